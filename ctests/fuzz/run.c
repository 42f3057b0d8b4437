/* Runs a program and writes down what happens. */
#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAINS 0xfeedfeed /* user_data of the NOP that waits for all before it */
#define HANG_SECONDS 5

static void note(struct trace *t, int kind, uint64_t what, int64_t result, unsigned flags)
{
    if (t->nr < MAX_EVENTS)
        t->events[t->nr++] = (struct event){kind, what, result, flags};
}

static void must(bool good)
{
    if (!good)
        abort();
}

static void place(int fd, int at)
{
    must(fd >= 0 && dup2(fd, at) == at);
    if (fd != at)
        close(fd);
}

static void place_both(const int fds[2], int first, int second)
{
    place(fds[0], first);
    place(fds[1], second);
}

static void make_memory(void)
{
    static bool mapped;
    if (!mapped) {
        must(mmap(ARENA, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                  -1, 0) == ARENA);
        mapped = true;
    }
    for (unsigned i = 0; i < SLOTS; i++)
        memset(ARENA + i * SLOT, 'a' + i % 26, SLOT);
    *TS(TS_MILLISECOND) = (struct __kernel_timespec){.tv_nsec = 1000000};
    *TS(TS_NEVER) = (struct __kernel_timespec){.tv_sec = 1000};
    *TS(TS_INVALID) = (struct __kernel_timespec){.tv_nsec = 2000000000};
    static const char *const paths[PATHS] = {"f0", "f1", "d0", "d1/x", "new", "none"};
    for (unsigned i = 0; i < PATHS; i++)
        strcpy(PATH(i), paths[i]);
    for (unsigned i = 0; i < 6; i++)
        *IOV(i) = (struct iovec){BUFFER(i / 3) + 2048 + i * 128, i % 3 ? 50 : 7};
    IOV(2)->iov_base = (void *)8;
    IOV(5)->iov_base = (void *)8;
    memset(BUFFER(1) + 3072, 0xff, 2 * sizeof(int));
}

static void make_file(const char *name, unsigned char seed)
{
    unsigned char bytes[FILE_BYTES];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = seed + i * 7 + i / 256;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
    close(fd);
}

/* Takes away what programs can have made. */
static void clean_directory(void)
{
    static const char *const names[] = {"f0", "f1", "d0", "d1", "new", "none"};
    unlink("d1/x");
    rmdir("d1/x");
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (unlink(names[i]))
            rmdir(names[i]);
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlink("d1/x"), rmdir("d1/x"), rmdir(names[i]);
}

static void make_world(void)
{
    int fds[2];
    char bytes[64];
    make_memory();
    clean_directory();
    must(!mkdir("d0", 0700) && !mkdir("d1", 0700));
    make_file("f0", 1);
    make_file("f1", 2);
    place(open("f0", O_RDWR), FD_RW);
    place(open("f1", O_RDWR), FD_RW2);
    place(open("f0", O_RDONLY), FD_RO);
    place(open(".", O_RDONLY | O_DIRECTORY), FD_DIR);
    must(!pipe2(fds, O_NONBLOCK));
    place_both(fds, FD_PIPE_R, FD_PIPE_W);
    must(!pipe2(fds, 0));
    place_both(fds, FD_EMPTY_R, FD_EMPTY_W);
    must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
    place_both(fds, FD_SOCK_A, FD_SOCK_B);
    place(eventfd(3, EFD_NONBLOCK), FD_EVENT);
    memset(bytes, 'p', sizeof(bytes));
    must(write(FD_PIPE_W, bytes, 64) == 64 && write(FD_SOCK_B, bytes, 32) == 32);
}

static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3;
    return h;
}

/* What the program left in its memory, files, pipes and sockets. */
static void note_state(struct trace *t)
{
    static unsigned char bytes[65536];
    static const int files[] = {FD_RW, FD_RW2};
    static const int streams[] = {FD_PIPE_R, FD_SOCK_A, FD_SOCK_B, FD_EVENT};
    for (unsigned i = 0; i < SLOTS; i++)
        note(t, EVENT_STATE, i, (int64_t)hash(0, ARENA + i * SLOT, SLOT), 0);
    for (unsigned i = 0; i < 2; i++) {
        ssize_t n = pread(files[i], bytes, sizeof(bytes), 0);
        note(t, EVENT_STATE, files[i], (int64_t)hash(0, bytes, n < 0 ? 0 : n), (unsigned)n);
        note(t, EVENT_STATE, files[i] + 1000, lseek(files[i], 0, SEEK_CUR), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        ssize_t n = read(streams[i], bytes, sizeof(bytes));
        note(t, EVENT_STATE, streams[i], (int64_t)hash(0, bytes, n < 0 ? 0 : n), n < 0 ? errno : (unsigned)n);
    }
    for (unsigned i = 0; i < PATHS; i++) {
        struct stat s;
        note(t, EVENT_STATE, 2000 + i, stat(PATH(i), &s) ? -errno : (int64_t)s.st_mode, 0);
    }
}

/* The number of a new descriptor is whatever was free: servers may hold some of their own. */
static int normalized(const struct program *p, uint64_t user_data, int res)
{
    if (res < 0 || !user_data || user_data > p->nr)
        return res;
    const struct io_uring_sqe *sqe = &p->steps[user_data - 1].sqe;
    if ((sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_SOCKET) && !sqe->file_index) {
        close(res);
        return 1;
    }
    if (sqe->opcode == IORING_OP_STATX) /* times and numbers of inodes differ */
        memset(ARENA + (user_data - 1) * SLOT, 0, SLOT);
    return res;
}

static int by_user_data(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return x->what != y->what ? (x->what > y->what) - (x->what < y->what) : (x->result > y->result) - (x->result < y->result);
}

/* Submits all, and takes CQEs until the draining NOP's, or `count`. Whether they came. */
static bool submit_and_reap(struct io_uring *ring, const struct program *p, const struct step *s, struct trace *t)
{
    if (s->kind != STEP_WAIT) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
        must(sqe);
        io_uring_prep_nop(sqe);
        sqe->flags = IOSQE_IO_DRAIN;
        sqe->user_data = DRAINS;
    }
    for (unsigned tries = 0; io_uring_sq_ready(ring); tries++) {
        int done = io_uring_submit(ring);
        note(t, EVENT_CALL, 1, done, 0);
        if (done < 0 && (tries > 2 || (done != -EBUSY && done != -EAGAIN)))
            return false;
    }
    unsigned first = t->nr, taken = 0;
    for (bool last = false; !last && (s->kind != STEP_WAIT || taken < s->count); taken++) {
        struct __kernel_timespec patience = {.tv_sec = HANG_SECONDS};
        struct io_uring_cqe *cqe;
        if (io_uring_wait_cqe_timeout(ring, &cqe, &patience)) {
            note(t, EVENT_HANG, (uint64_t)(s - p->steps), 0, 0);
            return false;
        }
        last = cqe->user_data == DRAINS;
        note(t, EVENT_CQE, cqe->user_data, normalized(p, cqe->user_data, cqe->res), cqe->flags);
        io_uring_cqe_seen(ring, cqe);
    }
    if (s->kind != STEP_ORDERED)
        qsort(t->events + first, t->nr - first, sizeof(struct event), by_user_data);
    return true;
}

static bool run_step(struct io_uring *ring, const struct program *p, const struct step *s, struct trace *t)
{
    if (s->kind == STEP_SQE) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
        must(sqe);
        *sqe = s->sqe;
        return true;
    }
    if (s->kind == STEP_REGISTER) {
        int done = io_uring_register((unsigned)ring->ring_fd, s->reg.opcode, (void *)(uintptr_t)s->reg.arg, s->reg.nr);
        note(t, EVENT_CALL, s->reg.opcode + 100, done, 0);
        return true;
    }
    return submit_and_reap(ring, p, s, t);
}

void run_program(const struct program *p, struct trace *t)
{
    struct io_uring ring;
    struct io_uring_params params = {.flags = p->setup_flags | IORING_SETUP_CQSIZE, .cq_entries = p->cq_entries};
    make_world();
    int made = io_uring_queue_init_params(p->entries, &ring, &params);
    note(t, EVENT_CALL, 0, made, params.cq_entries);
    if (!made) {
        struct iovec buffers[REGISTERED_BUFFERS];
        static const int files[REGISTERED_FILES] = {FD_RW, FD_PIPE_R, -1, FD_SOCK_A, FD_RO, FD_EVENT};
        for (unsigned i = 0; i < REGISTERED_BUFFERS; i++)
            buffers[i] = (struct iovec){BUFFER(i), SLOT};
        note(t, EVENT_CALL, 2, io_uring_register_files(&ring, files, REGISTERED_FILES), 0);
        note(t, EVENT_CALL, 3, io_uring_register_buffers(&ring, buffers, REGISTERED_BUFFERS), 0);
        bool lives = true;
        for (unsigned i = 0; lives && i < p->nr; i++)
            lives = run_step(&ring, p, &p->steps[i], t);
        note(t, EVENT_STATE, 3000, *ring.cq.koverflow, *ring.sq.kdropped);
        io_uring_queue_exit(&ring);
    }
    note_state(t);
    t->complete = true;
}

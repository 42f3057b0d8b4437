/* Runs a program and writes down what happens. */
#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(struct trace *t, int kind, uint64_t what, int64_t result, unsigned flags)
{
    if (t->nr < MAX_EVENTS)
        t->events[t->nr] = (struct event){kind, what, result, flags, t->nr}, t->nr++;
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
    *TS(TS_INVALID) = (struct __kernel_timespec){.tv_sec = -1};
    static const char *const paths[PATHS] = {"f0", "f1", "d0", "d1/x", "new", "none"};
    for (unsigned i = 0; i < PATHS; i++)
        strcpy(PATH(i), paths[i]);
    for (unsigned i = 0; i < 6; i++)
        *IOV(i) = (struct iovec){BUFFER(i / 3) + 2048 + i * 128, i % 3 ? 50 : 7};
    IOV(2)->iov_base = (void *)8;
    IOV(5)->iov_base = (void *)8;
    *MESSAGE(0) = (struct msghdr){.msg_iov = IOV(6), .msg_iovlen = 1};
    *IOV(6) = (struct iovec){BUFFER(0) + 1024, 64};
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

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
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
    /* Directories may be inside of others. */
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        nftw(names[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A pair of streams, and a socket that listens. */
static void make_streams(bool tcp)
{
    int fds[2];
    struct sockaddr_storage address = {.ss_family = tcp ? AF_INET : AF_UNIX};
    socklen_t length = tcp ? sizeof(struct sockaddr_in) : sizeof(sa_family_t);
    /* An address of each program's own: ports wait a minute until they can be had again. */
    static unsigned programs;
    if (tcp)
        ((struct sockaddr_in *)&address)->sin_addr.s_addr =
            htonl(INADDR_LOOPBACK + (((unsigned)getpid() & 0x1fff) << 11) + (programs++ & 0x3ff));
    int listener = socket(address.ss_family, SOCK_STREAM, 0);
    must(listener >= 0 && !bind(listener, (struct sockaddr *)&address, length) && !listen(listener, 16));
    length = sizeof(address);
    must(!getsockname(listener, (struct sockaddr *)&address, &length));
    fds[0] = socket(address.ss_family, SOCK_STREAM, 0);
    must(fds[0] >= 0 && !connect(fds[0], (struct sockaddr *)&address, length));
    fds[1] = accept(listener, NULL, NULL);
    place_both(fds, FD_STREAM_A, FD_STREAM_B);
    place(listener, FD_LISTEN);
}

/* Files of kinds that few requests are for. */
static void make_others(void)
{
    sigset_t none;
    must(!mkfifo("fifo", 0600));
    place(open("fifo", O_RDWR), FD_FIFO);
    must(!unlink("fifo"));
    sigemptyset(&none);
    place(timerfd_create(CLOCK_MONOTONIC, 0), FD_TIMER);
    place(signalfd(-1, &none, 0), FD_SIGNAL);
    place(inotify_init1(0), FD_INOTIFY);
    place(epoll_create1(0), FD_EPOLL);
    place(open("/dev/null", O_RDWR), FD_NULL);
}

static void make_world(const struct program *p)
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
    place(eventfd(0, 0), FD_IDLE_EVENT);
    make_others();
    make_streams(p->seed % 2);
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
    static const int blocking[] = {FD_EMPTY_R, FD_STREAM_A, FD_STREAM_B};
    for (unsigned i = 0; i < 3; i++) {
        int n = 0;
        note(t, EVENT_STATE, blocking[i], ioctl(blocking[i], FIONREAD, &n), (unsigned)n);
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
    if (!user_data || user_data > p->nr)
        return res;
    const struct io_uring_sqe *sqe = &p->steps[user_data - 1].sqe;
    /* In a ring that has drained, workers of the kernel's run what comes later: a cancel by file finds itself there, or
     * what such a worker has just ended. */
    if (sqe->opcode == IORING_OP_ASYNC_CANCEL && res == -EALREADY)
        return -ENOENT;
    if (res < 0)
        return res;
    bool makes = sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_SOCKET || sqe->opcode == IORING_OP_ACCEPT;
    if (makes && !sqe->file_index) {
        close(res);
        return 1;
    }
    if (sqe->opcode == IORING_OP_STATX && res == 0) /* times and numbers of inodes differ */
        memset(ARENA + (user_data - 1) * SLOT, 0, SLOT);
    return res;
}

#define SETTLED 0xfeedfeed /* user_data of the runner's own NOPs */

/* A run of a program. */
struct run {
    const struct program *p;
    struct trace *t;
    struct io_uring ring;
    unsigned patience_ms;
    unsigned group;        /* the event that the group begins with */
    unsigned seen[MAX_STEPS]; /* CQEs of each step */
    bool ended[MAX_STEPS];
    bool settled;
    bool checks_drains;    /* the kernel (6.18) itself has been seen to let later requests pass */
};

static bool links(const struct step *s)
{
    return s->kind == STEP_SQE && s->sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
}

/* The steps of a chain: from `*first` up to and including the one returned. */
static unsigned chain_of(const struct program *p, unsigned i, unsigned *first)
{
    while (i > 0 && links(&p->steps[i - 1]))
        i--;
    *first = i;
    while (links(&p->steps[i]) && i + 1 < p->nr && p->steps[i + 1].kind == STEP_SQE)
        i++;
    return i;
}

static bool drains(const struct program *p, unsigned first, unsigned last)
{
    bool found = false;
    for (unsigned i = first; i <= last; i++)
        found |= p->steps[i].kind == STEP_SQE && p->steps[i].sqe.flags & IOSQE_IO_DRAIN;
    return found;
}

/* What succeeds did not start before an earlier drain, nor before what its own drain waits for, was over. */
static void check_drains(struct run *r, unsigned i)
{
    unsigned first, last = chain_of(r->p, i, &first);
    bool behind = drains(r->p, first, last);
    for (unsigned j = first; j-- > 0;) {
        unsigned head, end = chain_of(r->p, j, &head);
        behind = behind || drains(r->p, head, end);
        if (behind && r->checks_drains && r->p->steps[j].kind == STEP_SQE && !r->ended[j])
            note(r->t, EVENT_ORDER, i + 1, j + 1, 0);
    }
}

static void take_cqe(struct run *r, const struct io_uring_cqe *cqe)
{
    uint64_t i = cqe->user_data - 1;
    if (cqe->user_data == SETTLED) {
        r->settled = true;
        return;
    }
    unsigned flags = cqe->flags;
    /* Whether more connections wait: a TCP connection is there a little after its connect() returned. */
    if (i < r->p->nr && r->p->steps[i].sqe.opcode == IORING_OP_ACCEPT)
        flags &= ~IORING_CQE_F_SOCK_NONEMPTY;
    note(r->t, EVENT_CQE, cqe->user_data, normalized(r->p, cqe->user_data, cqe->res), flags);
    if (i >= r->p->nr)
        return;
    r->seen[i]++;
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    r->ended[i] = true;
    if (cqe->res >= 0)
        check_drains(r, (unsigned)i);
    unsigned first, last = chain_of(r->p, (unsigned)i, &first);
    flags = r->p->steps[i].sqe.flags;
    /* All before the last that has a CQE has ended; one that failed without IOSQE_CQE_SKIP_SUCCESS silences the rest. */
    if (i == last)
        for (unsigned k = first; k < last; k++)
            r->ended[k] |= (r->p->steps[k].sqe.flags & IOSQE_CQE_SKIP_SUCCESS) != 0;
    if (flags & IOSQE_CQE_SKIP_SUCCESS && (!(flags & IOSQE_IO_HARDLINK) || cqe->res == -ECANCELED))
        for (unsigned k = first; k <= last; k++)
            r->ended[k] = true;
}

static bool take_one(struct run *r)
{
    struct __kernel_timespec patience = {.tv_sec = r->patience_ms / 1000, .tv_nsec = r->patience_ms % 1000 * 1000000};
    struct io_uring_cqe *cqe;
    int done;
    do
        done = io_uring_wait_cqe_timeout(&r->ring, &cqe, &patience);
    while (done == -EINTR);
    /* What stops this process for a while does not stop the clock: what has come meanwhile is looked at. */
    if (done && (io_uring_get_events(&r->ring), io_uring_peek_cqe(&r->ring, &cqe)))
        return false;
    take_cqe(r, cqe);
    io_uring_cqe_seen(&r->ring, cqe);
    return true;
}

static bool submit(struct run *r, unsigned step)
{
    for (unsigned tries = 0; io_uring_sq_ready(&r->ring); tries++) {
        int done = io_uring_submit(&r->ring);
        note(r->t, EVENT_CALL, step + 1, done, 1);
        if (done < 0 && (tries > 2 || (done != -EBUSY && done != -EAGAIN)))
            return false;
    }
    return true;
}

static int in_order(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->what != y->what)
        return x->what < y->what ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Between groups nothing is under way. What was posted too much is the group's. */
static void end_group(struct run *r, bool ordered)
{
    struct io_uring_cqe *cqe;
    while (!io_uring_peek_cqe(&r->ring, &cqe)) {
        take_cqe(r, cqe);
        io_uring_cqe_seen(&r->ring, cqe);
    }
    if (!ordered)
        qsort(r->t->events + r->group, r->t->nr - r->group, sizeof(struct event), in_order);
    r->group = r->t->nr;
}

static bool is_waited_for(const struct run *r, unsigned i, bool all)
{
    const struct step *s = &r->p->steps[i];
    return s->kind == STEP_SQE && !r->ended[i] && (all || !s->stays);
}

/* After a drain the kernel starts requests a little later than it takes them in: a NOP behind them tells when. */
static bool settle(struct run *r, unsigned at)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
    if (!sqe && submit(r, at))
        sqe = io_uring_get_sqe(&r->ring);
    if (!sqe)
        return false;
    io_uring_prep_nop(sqe);
    sqe->user_data = SETTLED;
    r->settled = false;
    if (!submit(r, at))
        return false;
    while (!r->settled)
        if (!take_one(r)) {
            note(r->t, EVENT_HANG, at + 1, 2, 0);
            r->t->hung = true;
            return false;
        }
    /* What was cancelled is gone only after this on a kernel's ring with IORING_SETUP_DEFER_TASKRUN. */
    io_uring_get_events(&r->ring);
    return true;
}

static bool barrier(struct run *r, unsigned at)
{
    const struct step *s = &r->p->steps[at];
    if (s->kind == STEP_SETTLE ? !settle(r, at) : !submit(r, at))
        return false;
    for (unsigned i = 0; i < at; i++)
        while (is_waited_for(r, i, s->kind == STEP_ALL))
            if (!take_one(r)) {
                note(r->t, EVENT_HANG, i + 1, 0, 0);
                r->t->hung = true;
                return false;
            }
    if (s->kind == STEP_ALL)
        end_group(r, s->ordered);
    return true;
}

static bool expect(struct run *r, const struct step *s)
{
    for (unsigned before = r->seen[s->of]; r->seen[s->of] == before && !r->ended[s->of];)
        if (!take_one(r)) {
            note(r->t, EVENT_HANG, s->of + 1, 1, 0);
            r->t->hung = true;
            return false;
        }
    return true;
}

static int act(const struct step *s)
{
    static const char bytes[256] = "what the program itself wrote into the pipe or the socket, which is not very long";
    uint64_t one = 1;
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    int fd;
    switch (s->act.what) {
    case ACT_WRITE:
        if (s->act.fd == FD_IDLE_EVENT || s->act.fd == FD_EVENT)
            return (int)write(s->act.fd, &one, sizeof(one));
        return (int)write(s->act.fd, bytes, s->act.count < sizeof(bytes) ? s->act.count : sizeof(bytes));
    case ACT_SHUTDOWN:
        return shutdown(s->act.fd, SHUT_WR);
    case ACT_CONNECT:
        must(!getsockname(FD_LISTEN, (struct sockaddr *)&address, &length));
        fd = socket(address.ss_family, SOCK_STREAM, 0);
        must(fd >= 0);
        int done = connect(fd, (struct sockaddr *)&address, length);
        close(fd);
        return done;
    }
    return -1;
}

static bool run_step(struct run *r, unsigned i)
{
    const struct step *s = &r->p->steps[i];
    struct io_uring_sqe *sqe;
    switch (s->kind) {
    case STEP_SQE:
        sqe = io_uring_get_sqe(&r->ring);
        if (!sqe) {
            if (!submit(r, i))
                return false;
            sqe = io_uring_get_sqe(&r->ring);
        }
        must(sqe);
        *sqe = s->sqe;
        return true;
    case STEP_SETTLE:
    case STEP_ALL:
        return barrier(r, i);
    case STEP_EXPECT:
        return expect(r, s);
    case STEP_REGISTER:
        note(r->t, EVENT_CALL, i + 1,
             io_uring_register((unsigned)r->ring.ring_fd, s->reg.opcode, (void *)(uintptr_t)s->reg.arg, s->reg.nr), 2);
        return true;
    case STEP_ACT:
        note(r->t, EVENT_CALL, i + 1, act(s), 3);
        return true;
    default:
        return true;
    }
}

static void on_ring(struct run *r)
{
    struct iovec buffers[REGISTERED_BUFFERS];
    static const int files[REGISTERED_FILES] = {FD_RW, FD_PIPE_R, -1, FD_SOCK_A, FD_RO, FD_EVENT};
    for (unsigned i = 0; i < REGISTERED_BUFFERS; i++)
        buffers[i] = (struct iovec){BUFFER(i), SLOT};
    note(r->t, EVENT_CALL, 0, io_uring_register_files(&r->ring, files, REGISTERED_FILES), 4);
    note(r->t, EVENT_CALL, 0, io_uring_register_buffers(&r->ring, buffers, REGISTERED_BUFFERS), 5);
    r->group = r->t->nr;
    bool lives = true;
    for (unsigned i = 0; lives && i < r->p->nr; i++)
        lives = run_step(r, i);
    end_group(r, false);
    note(r->t, EVENT_STATE, 3000, *r->ring.cq.koverflow, *r->ring.sq.kdropped);
}

void run_program(const struct program *p, struct trace *t, unsigned patience_ms)
{
    static struct run r;
    const char *server = getenv("ANYRING_BACKING");
    r = (struct run){.p = p, .t = t, .patience_ms = patience_ms};
    r.checks_drains = server && !strcmp(server, "soft");
    struct io_uring_params params = {.flags = p->setup_flags | IORING_SETUP_CQSIZE, .cq_entries = p->cq_entries};
    make_world(p);
    int made = io_uring_queue_init_params(p->entries, &r.ring, &params);
    note(t, EVENT_CALL, 0, made, params.cq_entries);
    if (!made) {
        on_ring(&r);
        io_uring_queue_exit(&r.ring);
    }
    note_state(t);
    t->complete = true;
}

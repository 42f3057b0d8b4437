/* Single requests, from random numbers. */
#define _GNU_SOURCE
#include "generate.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static uint64_t state;
const bool *may;

void seed_random(uint64_t seed)
{
    state = seed;
}

uint64_t next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

unsigned below(unsigned n)
{
    return next() % n;
}

bool one_in(unsigned n)
{
    return below(n) == 0;
}

struct step *add(struct program *p, enum step_kind kind)
{
    struct step *s = &p->steps[p->nr++];
    memset(s, 0, sizeof(*s));
    s->kind = kind;
    return s;
}

struct io_uring_sqe *add_sqe(struct program *p, unsigned opcode)
{
    unsigned index = p->nr;
    struct io_uring_sqe *sqe = &add(p, STEP_SQE)->sqe;
    sqe->opcode = opcode;
    sqe->user_data = index + 1;
    sqe->fd = -1;
    return sqe;
}

uint64_t slot_of(const struct io_uring_sqe *sqe)
{
    return (uintptr_t)ARENA + (sqe->user_data - 1) * SLOT;
}

static const unsigned PURE[] = {
    IORING_OP_NOP, IORING_OP_READ, IORING_OP_READV, IORING_OP_READ_FIXED, IORING_OP_FSYNC, IORING_OP_POLL_ADD,
    IORING_OP_TIMEOUT, IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_REMOVE, IORING_OP_TIMEOUT_REMOVE, IORING_OP_STATX,
    IORING_OP_FADVISE, IORING_OP_MADVISE, IORING_OP_SYNC_FILE_RANGE, IORING_OP_LINK_TIMEOUT, IORING_OP_FGETXATTR,
};
static const unsigned CHANGING[] = {
    IORING_OP_WRITE, IORING_OP_WRITEV, IORING_OP_WRITE_FIXED, IORING_OP_READ, IORING_OP_READV, IORING_OP_FALLOCATE,
    IORING_OP_FTRUNCATE, IORING_OP_SEND, IORING_OP_RECV, IORING_OP_SPLICE, IORING_OP_TEE, IORING_OP_OPENAT,
    IORING_OP_CLOSE, IORING_OP_UNLINKAT, IORING_OP_RENAMEAT, IORING_OP_MKDIRAT, IORING_OP_SYMLINKAT,
    IORING_OP_LINKAT, IORING_OP_FILES_UPDATE, IORING_OP_PROVIDE_BUFFERS, IORING_OP_REMOVE_BUFFERS,
    IORING_OP_SHUTDOWN, IORING_OP_MSG_RING, IORING_OP_SOCKET, IORING_OP_NOP,
};

static int some_file(bool changing)
{
    if (!changing)
        return PICK(FD_RW, FD_RW2, FD_RO, FD_RW, FD_DIR, FD_BAD, (uint64_t)-1);
    return PICK(FD_RW, FD_RW2, FD_RO, FD_PIPE_R, FD_PIPE_W, FD_SOCK_A, FD_SOCK_B, FD_EVENT, FD_DIR, FD_BAD, FD_RW);
}

static void fill_data(struct io_uring_sqe *sqe, bool changing)
{
    sqe->fd = some_file(changing);
    sqe->addr = slot_of(sqe);
    sqe->len = PICK(0, 1, 8, 16, 100, 512, 4096, 4096);
    sqe->off = PICK(0, 0, 1, 100, 4096, 8000, 8192, 100000, changing ? (uint64_t)-1 : 0);
    sqe->rw_flags = one_in(12) ? PICK(RWF_NOWAIT, RWF_DSYNC, RWF_HIPRI, RWF_APPEND, 0x80000000) : 0;
    switch (sqe->opcode) {
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
        /* Vectors are from 0 to 2; the last one has a bad address. */
        sqe->addr = (uintptr_t)IOV(sqe->opcode == IORING_OP_READV ? 0 : 3);
        sqe->len = PICK(0, 1, 2, 3, 2000);
        if (one_in(15)) /* the submission ends with it */
            sqe->addr = 8;
        break;
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED:
        sqe->buf_index = PICK(0, 1, 2, 3, 77);
        sqe->addr = (uintptr_t)BUFFER(below(REGISTERED_BUFFERS)) + PICK(0, 1, 4000);
        break;
    default:
        break;
    }
}

/* Whether it reads, and from what: streams are tried as they come, registered or not. */
static bool reads(const struct io_uring_sqe *sqe)
{
    return sqe->opcode == IORING_OP_READ || sqe->opcode == IORING_OP_READV || sqe->opcode == IORING_OP_READ_FIXED;
}

static bool writes(const struct io_uring_sqe *sqe)
{
    return sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_WRITEV || sqe->opcode == IORING_OP_WRITE_FIXED;
}

static bool is_of(const struct io_uring_sqe *sqe, int fd, int slot)
{
    return sqe->flags & IOSQE_FIXED_FILE ? sqe->fd == slot : sqe->fd == fd;
}

/* What the kernel answers by chance, or what soft cannot find out. */
static void mend(struct program *p, struct io_uring_sqe *sqe)
{
    /* What a worker of the kernel's runs, now and then: after it has done what this is linked to, or after a drain. */
    bool workers = p->chained || p->drains;
    if (sqe->opcode == IORING_OP_ASYNC_CANCEL) {
        sqe->flags &= ~IOSQE_ASYNC; /* it would find itself: EALREADY */
        /* It means the file, under whatever name a worker has it: found in time, or not. */
        if (sqe->flags & IOSQE_FIXED_FILE || sqe->cancel_flags & IORING_ASYNC_CANCEL_FD_FIXED)
            sqe->fd = 70000;
    }
    /* Reading from a socket waits, whatever its O_NONBLOCK says. */
    if (reads(sqe) && (is_of(sqe, FD_SOCK_A, 3) || is_of(sqe, FD_SOCK_B, 3)))
        sqe->fd = sqe->flags & IOSQE_FIXED_FILE ? 0 : FD_PIPE_R;
    /* So does reading from a pipe or an eventfd, unless such a worker does it. */
    if (reads(sqe) && !p->fed && (is_of(sqe, FD_PIPE_R, 1) || is_of(sqe, FD_EVENT, 5)))
        sqe->rw_flags |= RWF_NOWAIT;
    /* Only a filesystem that can write without waiting writes nothing without waiting; such a worker writes. */
    if (writes(sqe) && sqe->rw_flags == RWF_NOWAIT && (workers || sqe->len == 0))
        sqe->rw_flags = 0;
    /* A read by such a worker moves the file's position even if it fails in the end. */
    if (sqe->opcode == IORING_OP_READV && workers && sqe->len > 2 && sqe->off == (uint64_t)-1)
        sqe->off = 0;
}

static void fill_paths(struct io_uring_sqe *sqe)
{
    sqe->fd = PICK(AT_FDCWD, FD_DIR, FD_DIR, FD_RW, FD_BAD);
    sqe->addr = one_in(20) ? 8 : (uintptr_t)PATH(below(PATHS));
    switch (sqe->opcode) {
    case IORING_OP_STATX:
        sqe->addr2 = slot_of(sqe);
        sqe->len = STATX_SIZE | STATX_TYPE;
        break;
    case IORING_OP_UNLINKAT:
        sqe->unlink_flags = PICK(0, 0, AT_REMOVEDIR, 1);
        break;
    case IORING_OP_OPENAT:
        sqe->len = 0600;
        sqe->open_flags = PICK(O_RDONLY, O_RDWR, O_CREAT | O_RDWR, O_CREAT | O_EXCL | O_WRONLY, O_DIRECTORY, O_PATH);
        sqe->file_index = one_in(3) ? PICK(1, 3, 6, 7, 100) : 0;
        if (sqe->file_index) /* the kernel does more with one that is registered than system calls do */
            sqe->open_flags &= ~O_PATH;
        break;
    case IORING_OP_MKDIRAT:
        sqe->len = 0700;
        break;
    case IORING_OP_SYMLINKAT:
        sqe->addr2 = (uintptr_t)PATH(below(PATHS));
        break;
    default: /* renames and links */
        sqe->addr2 = (uintptr_t)PATH(below(PATHS));
        sqe->len = PICK(AT_FDCWD, FD_DIR);
        sqe->rename_flags = PICK(0, 0, 1, 2);
    }
}

static void fill_poll_or_timeout(struct io_uring_sqe *sqe)
{
    if (sqe->opcode == IORING_OP_POLL_ADD) {
        sqe->fd = PICK(FD_RW, FD_RO, FD_DIR, FD_NULL, FD_BAD); /* ready for ever, or never */
        sqe->poll32_events = PICK(POLLIN, POLLIN, POLLIN | POLLOUT, POLLPRI, 0);
    } else if (sqe->opcode == IORING_OP_TIMEOUT) {
        sqe->addr = one_in(10) ? 8 : (uintptr_t)TS(one_in(5) ? TS_INVALID : TS_MILLISECOND);
        sqe->len = one_in(10) ? PICK(0, 2) : 1;
        sqe->timeout_flags = PICK(0, 0, IORING_TIMEOUT_BOOTTIME, IORING_TIMEOUT_REALTIME, IORING_TIMEOUT_ETIME_SUCCESS,
                                  IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME, 1u << 20);
    } else if (sqe->opcode == IORING_OP_LINK_TIMEOUT) {
        sqe->addr = (uintptr_t)TS(one_in(6) ? TS_INVALID : TS_NEVER);
        sqe->len = 1;
        sqe->timeout_flags = one_in(6) ? 1u << 20 : 0;
    } else { /* cancels of what is not there */
        sqe->addr = PICK(0, 1000, 0xdead);
        if (sqe->opcode == IORING_OP_ASYNC_CANCEL && one_in(2)) {
            sqe->cancel_flags = PICK(IORING_ASYNC_CANCEL_ALL, IORING_ASYNC_CANCEL_FD, IORING_ASYNC_CANCEL_OP,
                                     IORING_ASYNC_CANCEL_FD_FIXED | IORING_ASYNC_CANCEL_FD, 1u << 10);
            sqe->fd = FD_BAD;
            sqe->len = sqe->cancel_flags & IORING_ASYNC_CANCEL_OP ? IORING_OP_EPOLL_WAIT : 0;
        } else if (sqe->opcode == IORING_OP_TIMEOUT_REMOVE)
            sqe->timeout_flags = PICK(0, 0, 1u << 20);
        else if (sqe->opcode == IORING_OP_POLL_REMOVE)
            sqe->len = PICK(0, 0, 1u << 10);
    }
}

static void fill_rest(struct io_uring_sqe *sqe, bool changing)
{
    switch (sqe->opcode) {
    case IORING_OP_NOP:
        sqe->nop_flags = one_in(3) ? IORING_NOP_INJECT_RESULT : 0;
        sqe->len = sqe->nop_flags ? PICK(5, (uint32_t)-5, (uint32_t)-11) : 0;
        break;
    case IORING_OP_FSYNC:
        sqe->fd = some_file(false);
        sqe->fsync_flags = PICK(0, IORING_FSYNC_DATASYNC, 4);
        break;
    case IORING_OP_CLOSE:
        sqe->file_index = PICK(1, 4, 6, 7, 0);
        sqe->fd = sqe->file_index ? 0 : FD_BAD;
        break;
    case IORING_OP_FILES_UPDATE:
        sqe->addr = (uintptr_t)BUFFER(1) + 3072; /* two -1 */
        sqe->len = PICK(0, 1, 2, 9);
        sqe->off = PICK(0, 4, 5, 6);
        break;
    case IORING_OP_SPLICE:
    case IORING_OP_TEE:
        sqe->splice_fd_in = PICK(FD_PIPE_R, FD_RW, FD_BAD);
        sqe->fd = PICK(FD_PIPE_W, FD_RW2, FD_BAD);
        sqe->splice_off_in = sqe->splice_fd_in == FD_PIPE_R ? PICK((uint64_t)-1, (uint64_t)-1, 5) : 0;
        sqe->off = sqe->fd == FD_PIPE_W ? (uint64_t)-1 : 16;
        sqe->len = PICK(0, 8, 100);
        sqe->splice_flags = PICK(2, 2, 64);
        if (one_in(2)) { /* one end refuses: nothing is waited for */
            bool from = one_in(2);
            int end = PICK(FD_IDLE_EVENT, FD_LISTEN, FD_TIMER, FD_SIGNAL, FD_INOTIFY, FD_EPOLL, FD_NULL);
            *(from ? &sqe->splice_fd_in : &sqe->fd) = end;
            *(from ? &sqe->splice_off_in : &sqe->off) = PICK((uint64_t)-1, (uint64_t)-1, 0);
            sqe->splice_flags = PICK(0, 2, 64);
        }
        break;
    case IORING_OP_FALLOCATE:
        sqe->fd = some_file(changing);
        sqe->len = PICK(0, 1, 2, 1u << 20);
        sqe->off = PICK(0, 4096, (uint64_t)-5);
        sqe->addr = PICK(0, 4096, 100);
        break;
    case IORING_OP_FTRUNCATE:
        sqe->fd = some_file(changing);
        sqe->off = PICK(0, 5, 9000, (uint64_t)-1);
        break;
    case IORING_OP_PROVIDE_BUFFERS:
    case IORING_OP_REMOVE_BUFFERS:
        sqe->fd = PICK(0, 1, 2, 70000);
        sqe->addr = sqe->opcode == IORING_OP_PROVIDE_BUFFERS ? slot_of(sqe) : 0;
        sqe->len = sqe->opcode == IORING_OP_PROVIDE_BUFFERS ? PICK(0, 64, 512) : 0;
        sqe->buf_group = PICK(0, 1);
        break;
    case IORING_OP_SHUTDOWN:
        sqe->fd = some_file(true);
        sqe->len = PICK(0, 1, 2, 3);
        break;
    case IORING_OP_SOCKET:
        sqe->fd = PICK(1, 2, 77);
        sqe->off = PICK(1, 2, 99);
        sqe->file_index = one_in(3) ? 4 : 0; /* in place of another socket: see mend() */
        break;
    case IORING_OP_SYNC_FILE_RANGE:
        sqe->fd = some_file(false);
        sqe->len = PICK(0, 100);
        sqe->sync_range_flags = PICK(0, 7, 8);
        break;
    case IORING_OP_FADVISE:
        sqe->fd = some_file(false);
        sqe->fadvise_advice = PICK(0, 3, 77);
        break;
    case IORING_OP_MADVISE:
        sqe->addr = slot_of(sqe) + PICK(0, 0, 1);
        sqe->len = SLOT;
        sqe->fadvise_advice = PICK(0, 3, 777);
        break;
    case IORING_OP_FGETXATTR:
        sqe->fd = FD_RW;
        sqe->addr = (uintptr_t)PATH(0);
        sqe->addr2 = slot_of(sqe);
        break;
    default: /* sends and receives */
        sqe->fd = some_file(true);
        sqe->addr = slot_of(sqe);
        sqe->len = PICK(0, 1, 16, 100);
        sqe->msg_flags = PICK(0, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC) | MSG_DONTWAIT;
        break;
    }
}

/* A field that should not be set, or a flag. Fields that would let a request wait are not among them. */
static void spoil(struct io_uring_sqe *sqe)
{
    switch (below(6)) {
    case 0: sqe->ioprio = PICK(1, 0x2004, 0x4000, 0xffff); break;
    case 1: sqe->buf_index = PICK(1, 9, 0xffff); break;
    case 2: sqe->flags |= IOSQE_FIXED_FILE; sqe->fd = PICK(0, 1, 2, 4, 5, 6, 7, (uint64_t)-1); break;
    case 3: sqe->personality = PICK(1, 77); break;
    case 4: sqe->splice_fd_in = sqe->opcode == IORING_OP_SPLICE || sqe->opcode == IORING_OP_TEE ? FD_BAD : 5; break;
    case 5: sqe->flags |= sqe->opcode == IORING_OP_READ ? IOSQE_BUFFER_SELECT : 0x80; break;
    }
}

/* Whether another request may fill the same memory: then a group has one such only. */
static bool fills(struct program *p, unsigned opcode)
{
    bool does = opcode == IORING_OP_READV || opcode == IORING_OP_READ_FIXED, another = does && p->filled;
    p->filled |= does;
    return another;
}

void one(struct program *p, bool changing, unsigned flags)
{
    unsigned opcode;
    do
        opcode = changing ? CHANGING[below(sizeof(CHANGING) / sizeof(*CHANGING))]
                          : PURE[below(sizeof(PURE) / sizeof(*PURE))];
    while (!may[opcode] || (p->drains && opcode == IORING_OP_TIMEOUT) || (!changing && fills(p, opcode)));
    struct io_uring_sqe *sqe = add_sqe(p, opcode);
    if (one_in(60)) {
        sqe->opcode = PICK(IORING_OP_LAST, 100, 255);
        sqe->flags = flags;
        return;
    }
    switch (opcode) {
    case IORING_OP_READ: case IORING_OP_WRITE: case IORING_OP_READV: case IORING_OP_WRITEV:
    case IORING_OP_READ_FIXED: case IORING_OP_WRITE_FIXED:
        fill_data(sqe, changing);
        break;
    case IORING_OP_STATX: case IORING_OP_OPENAT: case IORING_OP_UNLINKAT: case IORING_OP_RENAMEAT:
    case IORING_OP_MKDIRAT: case IORING_OP_SYMLINKAT: case IORING_OP_LINKAT:
        fill_paths(sqe);
        break;
    case IORING_OP_POLL_ADD: case IORING_OP_TIMEOUT: case IORING_OP_ASYNC_CANCEL: case IORING_OP_POLL_REMOVE:
    case IORING_OP_TIMEOUT_REMOVE: case IORING_OP_LINK_TIMEOUT:
        fill_poll_or_timeout(sqe);
        break;
    default:
        fill_rest(sqe, changing);
    }
    sqe->flags |= flags;
    if (one_in(12) && opcode != IORING_OP_TIMEOUT && opcode != IORING_OP_POLL_ADD)
        spoil(sqe);
    if (one_in(6))
        sqe->flags |= IOSQE_ASYNC;
    mend(p, sqe);
}

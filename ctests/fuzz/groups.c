/* Programs from seeds: groups of requests, after each of which nothing is under way.
 *
 * Kept out by construction, as the kernel itself answers now this way, now that:
 * - requests under way together that change what another one sees: what writes runs alone or in a chain of links;
 * - IOSQE_ASYNC on what is cancelled: a cancel finds it running (EALREADY) or queued (0);
 * - what waits for ever, in a ring that has drained: the kernel (6.18) has the requests after a drain wait for the first
 *   one of them, too, and a cancel submitted with what it is to cancel finds nothing (ENOENT);
 * - timeouts in a ring that drains: now and then the kernel does not end them;
 * - link timeouts that race with what they guard: it either never ends by itself or the timeout never comes;
 * - which of several requests a cancel of one finds;
 * - IOSQE_CQE_SKIP_SUCCESS in hard links: what ends without a CQE then cannot be told from outside;
 * - timeouts that count completions, but for those of 0.
 * Order is compared within chains, and against drains (run.c); elsewhere CQEs are compared as sets, each request's own
 * in order. */
#define _GNU_SOURCE
#include "generate.h"

#include <poll.h>
#include <string.h>

static void add_act(struct program *p, enum act what, int fd, unsigned count)
{
    struct step *s = add(p, STEP_ACT);
    s->act.what = what;
    s->act.fd = fd;
    s->act.count = count;
}

static void alone(struct program *p)
{
    p->fed = one_in(3);
    if (p->fed) {
        add_act(p, ACT_WRITE, FD_PIPE_W, PICK(1, 16, 100));
        add_act(p, ACT_WRITE, FD_EVENT, 1);
    }
    one(p, true, 0);
    p->fed = false;
    add(p, STEP_ALL);
}

static void chain(struct program *p)
{
    unsigned link = one_in(3) && !p->skips ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK, n = 2 + below(5);
    p->chained = true;
    for (unsigned i = 0; i < n; i++) {
        unsigned skip = p->skips && i + 1 < n && one_in(2) ? IOSQE_CQE_SKIP_SUCCESS : 0;
        one(p, true, (i + 1 < n ? link : 0) | skip | (p->drains && one_in(20) ? IOSQE_IO_DRAIN : 0));
    }
    p->chained = false;
    add(p, STEP_ALL)->ordered = (p->setup_flags & IORING_SETUP_SUBMIT_ALL) != 0;
}

/* What does not disturb each other. */
static void together(struct program *p)
{
    bool drains = p->drains && one_in(3);
    unsigned n = 1 + below(7);
    p->filled = false;
    for (unsigned i = 0; i < n; i++)
        one(p, false, drains && one_in(3) ? IOSQE_IO_DRAIN : 0);
    add(p, STEP_ALL);
}

static struct io_uring_sqe *add_staying(struct program *p, unsigned opcode)
{
    struct io_uring_sqe *sqe = add_sqe(p, opcode);
    p->steps[p->nr - 1].stays = true;
    return sqe;
}

/* A request that waits for ever. */
static struct io_uring_sqe *waiting(struct program *p)
{
    static const unsigned opcodes[] = {IORING_OP_POLL_ADD, IORING_OP_READ, IORING_OP_RECV, IORING_OP_ACCEPT,
                                       IORING_OP_TIMEOUT, IORING_OP_POLL_ADD, IORING_OP_RECVMSG};
    unsigned opcode;
    do
        opcode = opcodes[below(sizeof(opcodes) / sizeof(*opcodes))];
    while (!may[opcode]);
    struct io_uring_sqe *sqe = add_staying(p, opcode);
    switch (opcode) {
    case IORING_OP_POLL_ADD:
        sqe->fd = PICK(FD_EMPTY_R, FD_STREAM_A, FD_LISTEN, FD_IDLE_EVENT, FD_FIFO, FD_TIMER, FD_SIGNAL, FD_INOTIFY,
                       FD_EPOLL);
        sqe->poll32_events = PICK(POLLIN, POLLIN, POLLPRI, POLLIN | POLLRDHUP, 0);
        sqe->len = one_in(3) ? IORING_POLL_ADD_MULTI : 0;
        break;
    case IORING_OP_READ:
        sqe->fd = PICK(FD_EMPTY_R, FD_STREAM_A, FD_IDLE_EVENT, FD_FIFO, FD_TIMER, FD_SIGNAL, FD_INOTIFY, FD_EPOLL);
        sqe->addr = slot_of(sqe);
        sqe->len = sqe->fd == FD_SIGNAL ? 128 : PICK(8, 16, 100);
        sqe->off = PICK(0, (uint64_t)-1);
        break;
    case IORING_OP_RECV:
        sqe->fd = PICK(FD_STREAM_A, FD_STREAM_B);
        sqe->addr = slot_of(sqe);
        sqe->len = PICK(1, 16, 100);
        break;
    case IORING_OP_RECVMSG:
        sqe->fd = PICK(FD_STREAM_A, FD_STREAM_B);
        sqe->addr = (uintptr_t)MESSAGE(0);
        break;
    case IORING_OP_ACCEPT:
        sqe->fd = FD_LISTEN;
        break;
    default: /* TIMEOUT */
        sqe->addr = (uintptr_t)TS(TS_NEVER);
        sqe->len = 1;
        sqe->timeout_flags = PICK(0, 0, IORING_TIMEOUT_BOOTTIME, IORING_TIMEOUT_REALTIME, IORING_TIMEOUT_MULTISHOT);
    }
    return sqe;
}

/* Cancels everything: the end of a group in which something waits. */
static void cancel_any(struct program *p)
{
    struct io_uring_sqe *sqe = add_sqe(p, IORING_OP_ASYNC_CANCEL);
    sqe->cancel_flags = IORING_ASYNC_CANCEL_ANY;
    add(p, STEP_ALL);
}

static void some_cancel(struct program *p, const struct io_uring_sqe *target, bool single)
{
    unsigned opcode = PICK(IORING_OP_ASYNC_CANCEL, IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_REMOVE,
                           IORING_OP_TIMEOUT_REMOVE);
    if (!may[opcode])
        opcode = IORING_OP_ASYNC_CANCEL;
    uint64_t user_data = target->user_data;
    int fd = target->fd, target_opcode = target->opcode;
    struct io_uring_sqe *sqe = add_sqe(p, opcode);
    sqe->addr = one_in(6) ? 0xdead : user_data;
    if (opcode != IORING_OP_ASYNC_CANCEL)
        return;
    unsigned all = single ? PICK(0, IORING_ASYNC_CANCEL_ALL) : IORING_ASYNC_CANCEL_ALL;
    sqe->cancel_flags = PICK(0, all, IORING_ASYNC_CANCEL_USERDATA, IORING_ASYNC_CANCEL_FD | all,
                             IORING_ASYNC_CANCEL_OP | all, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_USERDATA,
                             IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP | all, IORING_ASYNC_CANCEL_ANY,
                             IORING_ASYNC_CANCEL_OP | IORING_ASYNC_CANCEL_USERDATA);
    sqe->fd = one_in(5) ? FD_RW : fd;
    sqe->len = sqe->cancel_flags & IORING_ASYNC_CANCEL_OP ? target_opcode : 0;
}

/* What waits for ever, and what ends it. */
void pending(struct program *p)
{
    unsigned n = 1 + below(3), first = p->nr;
    for (unsigned i = 0; i < n; i++)
        waiting(p);
    add(p, STEP_SETTLE);
    for (unsigned i = below(3); i > 0; i--) {
        some_cancel(p, &p->steps[first + below(n)].sqe, n == 1);
        add(p, STEP_SETTLE);
    }
    cancel_any(p);
}

/* A link timeout that comes. */
static void guarded(struct program *p)
{
    struct io_uring_sqe *sqe = waiting(p);
    if (sqe->opcode == IORING_OP_TIMEOUT || sqe->len & IORING_POLL_ADD_MULTI)
        sqe->timeout_flags = 0, sqe->len = sqe->opcode == IORING_OP_TIMEOUT;
    sqe->flags = one_in(3) ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
    unsigned behind = below(3);
    sqe = add_staying(p, IORING_OP_LINK_TIMEOUT);
    sqe->addr = (uintptr_t)TS(TS_MILLISECOND);
    sqe->len = 1;
    sqe->timeout_flags = one_in(4) ? IORING_TIMEOUT_ETIME_SUCCESS : 0;
    sqe->flags = behind ? IOSQE_IO_LINK : 0;
    for (unsigned i = 0; i < behind; i++) {
        sqe = add_sqe(p, IORING_OP_NOP);
        sqe->flags = i + 1 < behind ? IOSQE_IO_LINK : 0;
    }
    add(p, STEP_ALL);
}

/* What waits, and gets what it waits for. */
void streaming(struct program *p)
{
    unsigned at = p->nr, rounds = 1 + below(3);
    struct io_uring_sqe *sqe = waiting(p);
    if (sqe->opcode != IORING_OP_POLL_ADD || !(sqe->len & IORING_POLL_ADD_MULTI))
        rounds = 1;
    int from = sqe->fd;
    int to = from == FD_EMPTY_R ? FD_EMPTY_W : from == FD_STREAM_A ? FD_STREAM_B : from == FD_STREAM_B ? FD_STREAM_A : from;
    add(p, STEP_SETTLE);
    bool comes = sqe->opcode != IORING_OP_TIMEOUT && from < FD_TIMER && !(sqe->opcode == IORING_OP_POLL_ADD && !(sqe->poll32_events & POLLIN));
    for (unsigned i = 0; comes && i < rounds; i++) {
        add_act(p, from == FD_LISTEN ? ACT_CONNECT : ACT_WRITE, to, PICK(1, 16, 100));
        add(p, STEP_EXPECT)->of = at;
    }
    cancel_any(p);
    if (comes && from == FD_LISTEN && p->steps[at].sqe.opcode == IORING_OP_POLL_ADD) { /* Connections that nobody took. */
        unsigned left = rounds;
        while (left--)
            add_sqe(p, IORING_OP_ACCEPT)->fd = FD_LISTEN;
        add(p, STEP_ALL);
    } else if (comes && (from == FD_EMPTY_R || from == FD_STREAM_A || from == FD_STREAM_B || from == FD_IDLE_EVENT ||
                         from == FD_FIFO)) {
        add_act(p, ACT_WRITE, to, 1); /* there is something to take */
        sqe = add_sqe(p, IORING_OP_READ);
        sqe->fd = from;
        sqe->addr = slot_of(sqe);
        sqe->len = 1000;
        sqe->off = -1;
        add(p, STEP_ALL);
    }
}

static void registers(struct program *p)
{
    struct step *s = add(p, STEP_REGISTER);
    s->reg.opcode = PICK(IORING_UNREGISTER_FILES, IORING_UNREGISTER_BUFFERS, IORING_REGISTER_EVENTFD,
                         IORING_UNREGISTER_EVENTFD, IORING_REGISTER_FILES, IORING_REGISTER_BUFFERS,
                         IORING_UNREGISTER_PERSONALITY, IORING_REGISTER_ENABLE_RINGS, IORING_REGISTER_LAST, 99);
    s->reg.nr = PICK(0, 0, 1, 2, 70000);
    s->reg.arg = PICK(0, 0, 8);
}

void generate(struct program *p, uint64_t seed, const bool allowed[256])
{
    memset(p, 0, sizeof(*p));
    p->seed = seed;
    seed_random(seed);
    may = allowed;
    p->entries = PICK(16, 32, 64);
    p->cq_entries = PICK(64, 64, 128);
    p->setup_flags = PICK(0, 0, IORING_SETUP_SUBMIT_ALL, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_CQE32,
                          IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                          IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    p->skips = one_in(4);
    p->drains = !p->skips && one_in(3);
    while (p->nr < MAX_STEPS - 16) {
        unsigned kind = below(12);
        if (kind == 0)
            registers(p);
        else if (p->drains && kind <= 4)
            together(p);
        else if (kind <= 2 && may[IORING_OP_ASYNC_CANCEL])
            pending(p);
        else if (kind == 3 && may[IORING_OP_ASYNC_CANCEL])
            streaming(p);
        else if (kind == 4 && may[IORING_OP_LINK_TIMEOUT])
            guarded(p);
        else if (kind <= 6)
            alone(p);
        else if (kind <= 9)
            chain(p);
        else
            together(p);
    }
}

/* A random program of SQEs: what it is made of, and the world that it runs in.
 *
 * Files have fixed numbers and memory a fixed address, so that an SQE means the same in every process. */
#ifndef ANYRING_FUZZ_PROGRAM_H
#define ANYRING_FUZZ_PROGRAM_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    FD_RW = 100,       /* a file of 8 KiB */
    FD_RW2,            /* another */
    FD_RO,             /* open for reading only */
    FD_DIR,            /* the scratch directory */
    FD_PIPE_R,         /* O_NONBLOCK, 64 bytes are in it at first */
    FD_PIPE_W,
    FD_EMPTY_R,        /* blocks, nothing is in it */
    FD_EMPTY_W,
    FD_SOCK_A,         /* O_NONBLOCK, 32 bytes can be read */
    FD_SOCK_B,
    FD_EVENT,          /* O_NONBLOCK, counts 3 */
    FD_STREAM_A,       /* TCP or unix, blocks, nothing is in it */
    FD_STREAM_B,
    FD_LISTEN,         /* blocks */
    FD_IDLE_EVENT,     /* blocks, counts 0 */
    FD_FIFO,           /* one with a name, open for both, blocks */
    FD_TIMER,          /* from here on nothing ever comes: a timerfd that is not set */
    FD_SIGNAL,         /* a signalfd without signals */
    FD_INOTIFY,        /* watches nothing */
    FD_EPOLL,          /* has no files */
    FD_NULL,           /* is always ready */
    FD_END,
    FD_BAD = 199,
};

#define ARENA ((unsigned char *)0x200000000000)
#define SLOT 4096
#define MAX_STEPS 64
#define SLOTS (MAX_STEPS + 8)
#define ARENA_BYTES ((size_t)SLOTS * SLOT)
#define FILE_BYTES 8192
#define REGISTERED_FILES 6
#define REGISTERED_BUFFERS 3

/* In the slots after the steps': what SQEs point at. */
#define TS(i) ((struct __kernel_timespec *)(ARENA + MAX_STEPS * SLOT) + (i))
#define PATH(i) ((char *)ARENA + (MAX_STEPS + 1) * SLOT + (i) * 64)
#define IOV(i) ((struct iovec *)(ARENA + (MAX_STEPS + 2) * SLOT) + (i))
#define MESSAGE(i) ((struct msghdr *)(ARENA + (MAX_STEPS + 2) * SLOT + 1024) + (i))
#define BUFFER(i) (ARENA + (MAX_STEPS + 3 + (i)) * SLOT)
enum { TS_MILLISECOND, TS_NEVER, TS_INVALID };
#define PATHS 6

enum step_kind {
    STEP_NOTHING,
    STEP_SQE,
    STEP_SETTLE,   /* submit; wait until all but what stays has ended */
    STEP_ALL,      /* the same, and what stays: then a new group begins */
    STEP_EXPECT,   /* wait for another CQE of step `of` */
    STEP_REGISTER, /* a register call */
    STEP_ACT,      /* the program itself does something to a file */
};

struct step {
    enum step_kind kind;
    bool stays;   /* an SQE that ends when something else makes it */
    bool ordered; /* a barrier: the order of the group's CQEs is compared, too */
    union {
        struct io_uring_sqe sqe;
        unsigned of;
        struct {
            unsigned opcode, nr;
            uint64_t arg;
        } reg;
        struct {
            enum act { ACT_WRITE, ACT_CONNECT, ACT_SHUTDOWN } what;
            int fd;
            unsigned count;
        } act;
    };
};

struct program {
    uint64_t seed;
    unsigned setup_flags, entries, cq_entries;
    bool skips; /* IOSQE_CQE_SKIP_SUCCESS is in it: a ring that saw one refuses to drain */
    bool drains;
    /* While it is made: */
    bool fed;     /* there is something to read in the pipe and in the eventfd */
    bool chained; /* requests are linked */
    bool filled;  /* the group has a request that fills memory that is not its own */
    unsigned nr;
    struct step steps[MAX_STEPS];
};

/* What happened, as it is compared. */
struct event {
    enum { EVENT_CALL, EVENT_CQE, EVENT_ORDER, EVENT_HANG, EVENT_STATE } kind;
    uint64_t what;
    int64_t result;
    unsigned flags;
    unsigned at; /* keeps the order of what is sorted; not compared */
};

#define MAX_EVENTS 320
struct trace {
    bool complete; /* the process lived to its end */
    bool hung;
    unsigned nr;
    struct event events[MAX_EVENTS];
};

/* Makes the program of a seed, of the opcodes that `allowed` names. */
void generate(struct program *p, uint64_t seed, const bool allowed[256]);
void print_program(const struct program *p);
const char *opcode_name(unsigned opcode);

/* Runs it on the ring that ANYRING_BACKING chooses, in the current directory. A CQE is waited for so many ms. */
void run_program(const struct program *p, struct trace *trace, unsigned patience_ms);

#endif

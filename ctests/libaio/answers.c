/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What io_submit answers by itself, and what the event says: as the kernel's aio, beside it. */
#include "native.h"
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define BUFFER ((void *)buffer)
#define KERNEL_ADDRESS ((void *)-4096L)
#define UNMAPPED ((void *)8192L)
enum { VECTORS = 1100, LONG_MS = 5000 };

static char buffer[8192] __attribute__((aligned(4096)));
static struct iovec vector[VECTORS];
static int failed;

/* Makes a file. */
typedef int make_file(void);

struct request {
	const char *what;
	make_file *file;
	int opcode;
	void *data;
	size_t count;
	long long offset;
	unsigned rw_flags, flags;
};

static int regular(void) { return new_file(0); }
static int direct(void) { return new_file(O_DIRECT); }
static int synced(void) { return new_file(O_DSYNC); }
static int no_file(void) { return 999; }
static int directory(void) { return (int)MUST(open(".", O_RDONLY)); }
static int null_device(void) { return (int)MUST(open("/dev/null", O_RDWR)); }
static int zero_device(void) { return (int)MUST(open("/dev/zero", O_RDWR)); }
static int status_file(void) { return (int)MUST(open("/proc/self/status", O_RDONLY)); }
static int pagemap_file(void) { return (int)MUST(open("/proc/self/pagemap", O_RDONLY)); }
static int epoll_file(void) { return (int)MUST(epoll_create1(0)); }
static int inotify_file(void) { return (int)MUST(inotify_init1(IN_NONBLOCK)); }
static int pidfd(void) { return (int)MUST(syscall(SYS_pidfd_open, getpid(), 0)); }
static int idle_timer(void) { return (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)); }
static int zero_counter(void) { return (int)MUST(eventfd(0, EFD_NONBLOCK)); }
static int counter(void) { return (int)MUST(eventfd(1, 0)); }

static int opened_again(int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", new_file(0));
	return (int)MUST(open(name, flags));
}

static int read_only(void) { return opened_again(O_RDONLY); }
static int write_only(void) { return opened_again(O_WRONLY); }
static int path_only(void) { return opened_again(O_PATH); }
static int appended(void) { return opened_again(O_RDWR | O_APPEND); }

static int idle_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return (int)MUST(signalfd(-1, &set, SFD_NONBLOCK));
}

static int pipe_end(int which, int flags, bool is_full)
{
	int ends[2];

	MUST(pipe2(ends, O_NONBLOCK));
	while (is_full && write(ends[1], buffer, 4096) > 0)
		;
	MUST(fcntl(ends[which], F_SETFL, flags));
	return ends[which];
}

static int empty_pipe(void) { return pipe_end(0, 0, false); }
static int empty_pipe_nonblocking(void) { return pipe_end(0, O_NONBLOCK, false); }
static int full_pipe_nonblocking(void) { return pipe_end(1, O_NONBLOCK, true); }
static int pipe_to_write(void) { return pipe_end(1, 0, false); }

static int one_of_a_pair(int type)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, type, 0, pair));
	return pair[0];
}

static int stream(void) { return one_of_a_pair(SOCK_STREAM); }
static int stream_nonblocking(void) { return one_of_a_pair(SOCK_STREAM | SOCK_NONBLOCK); }
static int datagrams_nonblocking(void) { return one_of_a_pair(SOCK_DGRAM | SOCK_NONBLOCK); }
static int unconnected(void) { return (int)MUST(socket(AF_INET, SOCK_STREAM, 0)); }

static int terminal(void)
{
	int master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));

	MUST(grantpt(master));
	MUST(unlockpt(master));
	return (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK));
}

static struct outcome try(const struct calls *calls, const struct request *request)
{
	struct iocb iocb = { .key = 5 };
	int fd = request->file();

	/* A write to an eventfd needs a number. */
	*(uint64_t *)buffer = 1;
	iocb.aio_fildes = fd;
	iocb.aio_lio_opcode = (short)request->opcode;
	iocb.u.c.buf = request->data;
	iocb.u.c.nbytes = request->count;
	iocb.u.c.offset = request->offset;
	iocb.aio_rw_flags = (int)request->rw_flags;
	iocb.u.c.flags = request->flags;
	iocb.u.c.resfd = 999;
	struct outcome outcome = outcome_of(calls, &iocb, LONG_MS);

	/* The kernel's aio writes to it what io_cancel looks for. */
	if (outcome.submitted == 1)
		CHECK_EQ(iocb.key, 0);
	close(fd);
	return outcome;
}

static void compare(const struct request *requests, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct outcome native = try(&native_calls, &requests[i]);

		failed += !same_outcome(requests[i].what, native, try(&our_calls, &requests[i]));
	}
	CHECK_EQ(failed, 0);
}

#define COMPARE(...) do {                                                       \
	static const struct request requests[] = { __VA_ARGS__ };               \
	compare(requests, sizeof(requests) / sizeof(requests[0]));              \
} while (0)
#define REQUEST(what_, file_, opcode_, ...) { .what = what_, .file = file_, .opcode = opcode_, __VA_ARGS__ }
#define EIGHT .data = BUFFER, .count = 8
#define READ(file) REQUEST("read " #file, file, IO_CMD_PREAD, EIGHT)
#define WRITE(file) REQUEST("write " #file, file, IO_CMD_PWRITE, EIGHT)
#define SYNC(file) REQUEST("fsync " #file, file, IO_CMD_FSYNC), REQUEST("fdsync " #file, file, IO_CMD_FDSYNC)
#define POLL(file) REQUEST("poll " #file, file, IO_CMD_POLL, .data = (void *)POLLIN)

static void files(void)
{
	COMPARE(READ(regular), READ(directory), READ(null_device), READ(zero_device), READ(status_file),
		READ(pagemap_file), READ(epoll_file), READ(inotify_file), READ(pidfd), READ(counter), READ(no_file),
		READ(write_only), READ(path_only), READ(unconnected), READ(appended),
		WRITE(regular), WRITE(directory), WRITE(null_device), WRITE(counter), WRITE(idle_timer), WRITE(read_only),
		WRITE(appended), WRITE(synced), WRITE(pipe_to_write), WRITE(stream), WRITE(status_file),
		SYNC(regular), SYNC(directory), SYNC(null_device), SYNC(empty_pipe), SYNC(stream), SYNC(counter),
		SYNC(read_only), SYNC(path_only), SYNC(no_file),
		POLL(regular), POLL(null_device), POLL(counter), POLL(directory), POLL(path_only), POLL(no_file));
}

/* What is not to wait has its event at once. */
static void not_to_wait(void)
{
	COMPARE(READ(empty_pipe_nonblocking), WRITE(full_pipe_nonblocking), READ(stream_nonblocking),
		READ(datagrams_nonblocking), READ(zero_counter), READ(idle_timer), READ(idle_signals), READ(terminal));
}

/* What a socket waits for has a limit of its own. */
static void limit_of_a_socket(void)
{
	struct timeval limit = { .tv_usec = 50000 };
	struct iocb iocb;
	int fd = stream();
	long start = now_ms();

	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	io_prep_pread(&iocb, fd, buffer, 8, 0);
	struct outcome outcome = outcome_of(&our_calls, &iocb, LONG_MS);

	CHECK_EQ(outcome.got, 1);
	CHECK_EQ(outcome.res, -EAGAIN);
	CHECK_OP(now_ms() - start, >=, 50);
}

#define PAGE .data = BUFFER, .count = 4096
#define RW(file, rwf)                                                           \
	REQUEST("read with " #rwf, file, IO_CMD_PREAD, PAGE, .rw_flags = rwf), \
	REQUEST("write with " #rwf, file, IO_CMD_PWRITE, PAGE, .rw_flags = rwf)

static void flags(void)
{
	COMPARE(RW(regular, 0x1), RW(regular, 0x2), RW(regular, 0x4), RW(regular, 0x8), RW(regular, 0x10),
		RW(regular, 0x20), RW(regular, 0x100), RW(regular, 0x200), RW(regular, 0x400), RW(regular, 0x80000000),
		RW(direct, 0x1), RW(direct, 0x2), RW(direct, 0x200),
		REQUEST("pipe that is not to wait", empty_pipe, IO_CMD_PREAD, EIGHT, .rw_flags = 0x8),
		REQUEST("socket that is not to wait", stream, IO_CMD_PREAD, EIGHT, .rw_flags = 0x8),
		REQUEST("unknown flag", regular, IO_CMD_PREAD, EIGHT, .flags = 8),
		REQUEST("an eventfd that is none", regular, IO_CMD_PREAD, EIGHT, .flags = 1));
}

#define READ_AT(what, opcode, data_, count_) REQUEST(what, regular, opcode, .data = data_, .count = count_)
#define VECTOR(what, data, count) READ_AT("vector: " what, IO_CMD_PREADV, data, count)

static void memory(void)
{
	for (int i = 0; i < VECTORS; i++)
		vector[i] = (struct iovec){ BUFFER, 1 };
	COMPARE(VECTOR("1024 parts", vector, 1024), VECTOR("1025 parts", vector, 1025), VECTOR("none", vector, 0),
		VECTOR("too many", vector, (size_t)-1), VECTOR("NULL", NULL, 1), VECTOR("unmapped", UNMAPPED, 1),
		VECTOR("the kernel's", KERNEL_ADDRESS, 1),
		READ_AT("the kernel's memory", IO_CMD_PREAD, KERNEL_ADDRESS, 8), READ_AT("no memory", IO_CMD_PREAD, UNMAPPED, 8),
		READ_AT("none written", IO_CMD_PWRITE, UNMAPPED, 8), READ_AT("nothing", IO_CMD_PREAD, BUFFER, 0),
		READ_AT("more than there is", IO_CMD_PREAD, BUFFER, SIZE_MAX / 2));
	vector[1].iov_len = (size_t)-1;
	COMPARE(VECTOR("a negative length", vector, 2));
	vector[0].iov_base = KERNEL_ADDRESS;
	COMPARE(VECTOR("a part in the kernel", vector, 1));
	vector[0].iov_base = UNMAPPED;
	COMPARE(VECTOR("a part nowhere", vector, 1));
}

static void numbers(void)
{
	COMPARE(REQUEST("before the start", regular, IO_CMD_PREAD, EIGHT, .offset = -1),
		REQUEST("written before the start", regular, IO_CMD_PWRITE, EIGHT, .offset = -5),
		REQUEST("before a pipe's start", empty_pipe, IO_CMD_PREAD, .data = BUFFER, .offset = -5),
		REQUEST("beyond all files", regular, IO_CMD_PREAD, EIGHT, .offset = INT64_MAX),
		REQUEST("no such command", regular, 77, EIGHT), REQUEST("nothing to be done", regular, 6, EIGHT),
		REQUEST("no such command and file", no_file, 77, EIGHT),
		REQUEST("fsync of a place", regular, IO_CMD_FSYNC, .offset = 5),
		REQUEST("poll for too much", regular, IO_CMD_POLL, .data = (void *)0x10000),
		REQUEST("poll with a length", regular, IO_CMD_POLL, .data = (void *)POLLIN, .count = 5));
}

/* What stands before the first bad request goes out, and nothing behind it. */
static void batches(void)
{
	const struct calls *both[] = { &native_calls, &our_calls };
	struct timespec soon = milliseconds(50);
	struct io_event events[4];
	int good = new_file(0);

	for (int bad = 0; bad < 4; bad++)
		for (int which = 0; which < 2; which++) {
			struct iocb iocbs[4], *list[4];
			io_context_t ctx = NULL;
			static char buffers[4][16];

			memset(buffers, 0, sizeof(buffers));
			CHECK_EQ(both[which]->setup(8, &ctx), 0);
			for (int i = 0; i < 4; i++) {
				int fd = i != bad ? good : bad == 0 ? write_only() : bad == 1 ? directory() : no_file();

				io_prep_pread(list[i] = &iocbs[i], fd, buffers[i], 16, 0);
			}
			if (bad == 3)
				iocbs[bad].aio_rw_flags = 0x400;
			CHECK_EQ(both[which]->submit(ctx, 4, list),
				 bad == 0 ? -EBADF : bad);
			int got = bad == 0 ? 0 : both[which]->getevents(ctx, bad, 4, events, &soon);

			CHECK_EQ(got, bad);
			CHECK_EQ(both[which]->getevents(ctx, 0, 4, events, &(struct timespec){ 0, 0 }), 0);
			for (int i = 0; i < 4; i++)
				CHECK_EQ(buffers[i][0], i < bad ? 'a' : 0);
			CHECK_EQ(both[which]->destroy(ctx), 0);
		}
}

static int addresses_of(const struct calls *calls, int which)
{
	struct iocb iocb, *list = &iocb, *nowhere = UNMAPPED;
	struct io_event event;
	struct timespec at_once = { 0, 0 };
	io_context_t ctx = NULL;

	CHECK_EQ(calls->setup(8, &ctx), 0);
	io_prep_pread(&iocb, new_file(0), buffer, 8, 0);
	switch (which) {
	case 0: return calls->setup(8, UNMAPPED);
	case 1: return calls->submit(ctx, 1, UNMAPPED);
	case 2: return calls->submit(ctx, 1, &nowhere);
	case 3: return calls->submit(ctx, 0, UNMAPPED);
	case 4: return calls->getevents(ctx, 0, 1, &event, UNMAPPED);
	case 5: return calls->getevents(ctx, 0, 1, UNMAPPED, &at_once);
	case 6: return calls->cancel(ctx, UNMAPPED, &event);
	}
	/* An event that could not be handed over stays. */
	CHECK_EQ(calls->submit(ctx, 1, &list), 1);
	int got = calls->getevents(ctx, 1, 1, UNMAPPED, NULL);

	CHECK_EQ(calls->getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.res, 8);
	return got;
}

static void addresses(void)
{
	for (int which = 0; which < 8; which++)
		CHECK_EQ(addresses_of(&our_calls, which), addresses_of(&native_calls, which));
}

static void cancelled_poll(const struct calls *calls)
{
	struct timespec second = milliseconds(10000);
	struct io_event event;
	struct iocb iocb, *list = &iocb;
	io_context_t ctx = NULL;

	CHECK_EQ(calls->setup(8, &ctx), 0);
	io_prep_poll(&iocb, empty_pipe(), POLLIN);
	CHECK_EQ(calls->submit(ctx, 1, &list), 1);
	iocb.key = 3;
	CHECK_EQ(calls->cancel(ctx, &iocb, &event), -EINVAL);
	iocb.key = 0;
	CHECK_EQ(calls->cancel(ctx, &iocb, &event), -EINPROGRESS);
	CHECK_EQ(calls->getevents(ctx, 1, 1, &event, &second), 1);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(calls->destroy(ctx), 0);
}

static void cancelling(void)
{
	cancelled_poll(&native_calls);
	cancelled_poll(&our_calls);
}

TEST_PARTS(PART(files), PART(not_to_wait), PART(limit_of_a_socket), PART(flags), PART(memory), PART(numbers), PART(batches), PART(addresses),
	   PART(cancelling))

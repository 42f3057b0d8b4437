/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs that call io_setup(2) and its kin through syscall(): served in each mode as by the kernel. */
#include "preload.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#ifndef SYS_io_pgetevents
#define SYS_io_pgetevents 333
#endif

MODES(NULL, "auto", "native", "sqthread", "sqwq");

enum { DEPTH = 64, BLOCK = 4096 };

static aio_context_t context;

static void set_up(void)
{
	CHECK_EQ(syscall(SYS_io_setup, GARBAGE(DEPTH), &context), 0);
	CHECK(context != 0);
	CHECK_EQ(count_rings(), rings_expected());
}

static long reap(long min, struct io_event *events, long nr)
{
	return syscall(SYS_io_getevents, context, min, nr, events, NULL);
}

static struct iocb request(int opcode, int fd, void *buf, size_t bytes, long long offset)
{
	return (struct iocb) {
		.aio_lio_opcode = (unsigned short)opcode, .aio_fildes = (unsigned int)fd,
		.aio_buf = (uintptr_t)buf, .aio_nbytes = bytes, .aio_offset = offset,
		.aio_data = (uintptr_t)buf + 1,
	};
}

static int scratch_file(void)
{
	char name[] = "/var/tmp/anyring-XXXXXX";
	int fd = (int)MUST(mkstemp(name));

	unlink(name);
	return fd;
}

static void transfer(int opcode, int fd, char (*blocks)[BLOCK])
{
	static struct iocb requests[DEPTH];
	struct iocb *list[DEPTH];
	struct io_event events[DEPTH];
	bool seen[DEPTH] = { false };

	for (int i = 0; i < DEPTH; i++) {
		requests[i] = request(opcode, fd, blocks[i], BLOCK, (long long)i * BLOCK);
		list[i] = &requests[i];
	}
	CHECK_EQ(syscall(SYS_io_submit, context, (long)DEPTH, list), DEPTH);
	for (long got = 0; got < DEPTH;) {
		long n = MUST(reap(1, events, DEPTH));

		for (long i = 0; i < n; i++) {
			size_t which = (size_t)((struct iocb *)(uintptr_t)events[i].obj - requests);

			CHECK_OP(which, <, (size_t)DEPTH);
			CHECK(!seen[which]);
			seen[which] = true;
			CHECK_EQ(events[i].res, BLOCK);
			CHECK_EQ(events[i].data, requests[which].aio_data);
		}
		got += n;
	}
}

static void written_and_read(void)
{
	static char out[DEPTH][BLOCK], in[DEPTH][BLOCK];
	int fd = scratch_file();

	for (int i = 0; i < DEPTH; i++)
		memset(out[i], 'A' + i, BLOCK);
	set_up();
	transfer(IOCB_CMD_PWRITE, fd, out);
	transfer(IOCB_CMD_PREAD, fd, in);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
	CHECK_ERRNO(syscall(SYS_io_destroy, context), EINVAL);
	CHECK_EQ(count_rings(), 0);
}

/* More requests than the server takes at once. */
static void many_at_once(void)
{
	enum { MANY = 6000 };
	static struct iocb requests[MANY], *list[MANY];
	static struct io_event events[MANY];
	static char block[512];
	int fd = scratch_file();
	long submitted = 0, reaped = 0;

	CHECK_EQ(pwrite(fd, block, sizeof(block), 0), sizeof(block));
	CHECK_EQ(syscall(SYS_io_setup, MANY, &context), 0);
	for (int i = 0; i < MANY; i++) {
		requests[i] = request(IOCB_CMD_PREAD, fd, block, sizeof(block), 0);
		list[i] = &requests[i];
	}
	while (reaped < MANY) {
		if (submitted < MANY)
			submitted += MUST(syscall(SYS_io_submit, context, MANY - submitted, list + submitted));
		long n = MUST(reap(1, events, MANY));

		for (long i = 0; i < n; i++)
			CHECK_EQ(events[i].res, sizeof(block));
		reaped += n;
	}
	CHECK_EQ(submitted, MANY);
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
}

static void no_context(void)
{
	struct io_event event;
	struct iocb nothing = { 0 }, *list[] = { &nothing };

	set_up();
	CHECK_ERRNO(syscall(SYS_io_setup, 8, &context), EINVAL); /* holds one already */
	CHECK_ERRNO(syscall(SYS_io_setup, 8, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_setup, 0, &(aio_context_t){ 0 }), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_submit, 4444L, 1L, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_getevents, 4444L, 0L, 1L, &event, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_cancel, 4444L, &nothing, &event), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_destroy, 4444L), EINVAL);
}

static void bad_requests(void)
{
	char block[BLOCK];
	struct iocb wrong = request(4444, 0, block, BLOCK, 0), *list[] = { &wrong, NULL };
	struct io_event event;

	set_up();
	CHECK_ERRNO(syscall(SYS_io_submit, context, 1L, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_submit, context, 1L, list + 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_submit, context, -1L, list), EINVAL);
	CHECK_EQ(syscall(SYS_io_submit, context, 0L, list), 0);
	CHECK_ERRNO(syscall(SYS_io_getevents, context, 2L, 1L, &event, NULL), EINVAL);
	wrong = request(IOCB_CMD_PREAD, -1, block, BLOCK, 0);
	CHECK_ERRNO(syscall(SYS_io_submit, context, 1L, list), EBADF);
}

static void no_event_in_time(void)
{
	struct timespec at_once = { 0, 0 }, soon = { 0, 20000000 };
	struct io_event event;

	set_up();
	CHECK_EQ(syscall(SYS_io_getevents, context, 1L, 1L, &event, &at_once), 0);
	CHECK_EQ(syscall(SYS_io_getevents, context, 1L, 1L, &event, &soon), 0);
	CHECK_EQ(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, &soon, NULL), 0);
}

static void polled_and_signalled(void)
{
	int fds[2], signal = (int)MUST(eventfd(0, 0));
	struct io_event event;
	uint64_t count;

	MUST(pipe(fds));
	set_up();
	struct iocb poll = request(IOCB_CMD_POLL, fds[0], NULL, 0, 0), *list[] = { &poll };

	poll.aio_buf = POLLIN;
	poll.aio_flags = IOCB_FLAG_RESFD;
	poll.aio_resfd = (unsigned int)signal;
	CHECK_EQ(syscall(SYS_io_submit, context, 1L, list), 1);
	CHECK_EQ(syscall(SYS_io_getevents, context, 1L, 1L, &event, &(struct timespec){ 0, 9000000 }), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(read(signal, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 1);
	CHECK_EQ(reap(1, &event, 1), 1);
	CHECK(event.res & POLLIN); /* the kernel may add what the wake-up says, such as POLLRDNORM */
}

static void cancelled(void)
{
	int fds[2];
	struct io_event event;

	MUST(pipe(fds));
	set_up();
	struct iocb poll = request(IOCB_CMD_POLL, fds[0], NULL, 0, 0), *list[] = { &poll };

	poll.aio_buf = POLLIN;
	CHECK_EQ(syscall(SYS_io_submit, context, 1L, list), 1);
	usleep(20000); /* a submission thread may not have come to it yet */
	CHECK_ERRNO(syscall(SYS_io_cancel, context, &poll, &event), EINPROGRESS);
	CHECK_EQ(reap(1, &event, 1), 1);
	CHECK_EQ(event.obj, (uintptr_t)&poll);
}

static volatile sig_atomic_t caught;

static void handler(int signal)
{
	caught = signal;
}

static void masked_wait(void)
{
	struct { const void *mask; size_t size; } arg;
	struct timespec limit = { 5, 0 };
	struct io_event event;
	uint64_t none = 0;
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	MUST(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handler }, NULL));
	MUST(sigprocmask(SIG_BLOCK, &block, NULL));
	raise(SIGUSR1);
	set_up();
	arg.mask = &none;
	arg.size = 16;
	CHECK_ERRNO(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, &limit, &arg), EINVAL);
	CHECK_EQ(caught, 0);
	arg.size = sizeof(none);
	CHECK_ERRNO(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, &limit, &arg), EINTR);
	CHECK_EQ(caught, SIGUSR1);
}

TEST_PARTS_IN_MODES(
	PART(written_and_read), PART(many_at_once), PART(no_context), PART(bad_requests),
	PART(no_event_in_time), PART(polled_and_signalled), PART(cancelled), PART(masked_wait))

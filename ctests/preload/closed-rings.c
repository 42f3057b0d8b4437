/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring is over when the last of its descriptors is closed and the last of its mappings is gone, not before. */
#include "preload.h"
#include "raw-ring.h"
#include <poll.h>
#include <sys/socket.h>

MODES(NULL, "auto");

static struct io_uring_sqe read_of(int fd, char *to)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd, .off = -1ull, .addr = (uintptr_t)to, .len = 8 };
}

static void wait_for_cqe(const struct raw *raw)
{
	for (int i = 0; i < 3000 && !ready(raw); i++)
		usleep(10000);
	CHECK_EQ(ready(raw), 1);
}

/* What waits goes on, and the ring is used as before. */
static void a_duplicate_goes_on(void)
{
	static const int numbers[] = { 0, 300, 700 };
	char text[8] = "";
	int fds[2];

	MUST(pipe(fds));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct raw raw = make();
		int other = (int)MUST(fcntl(raw.fd, F_DUPFD, numbers[i]));

		submit(&raw, read_of(fds[0], text), 0);
		CHECK_EQ(close(raw.fd), 0);
		CHECK_ERRNO(syscall(SYS_io_uring_enter, raw.fd, 0, 0, 0, NULL, 0L), EBADF);
		CHECK_ERRNO(close(raw.fd), EBADF);
		raw.fd = other;
		submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_NOP }, 1);
		CHECK_EQ(reap(&raw), 0);
		CHECK_EQ(write(fds[1], "raw", 3), 3);
		CHECK_EQ(syscall(SYS_io_uring_enter, raw.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0L), 0);
		CHECK_EQ(reap(&raw), 3);
		CHECK_EQ(close(raw.fd), 0);
		CHECK_ERRNO(syscall(SYS_io_uring_enter, raw.fd, 0, 0, 0, NULL, 0L), EBADF);
		unmap(&raw);
	}
}

/* Two rings: what is in flight shows up in memory, of each. */
static void what_is_mapped_goes_on(void)
{
	struct raw raw[2] = { make(), make() };
	char text[2][8] = { "", "" };
	int fds[2][2];

	for (int i = 0; i < 2; i++) {
		MUST(pipe(fds[i]));
		submit(&raw[i], read_of(fds[i][0], text[i]), 0);
		CHECK_EQ(close(raw[i].fd), 0);
	}
	struct raw later = make(); /* Rings that are gone are noticed when one is made. */

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(ready(&raw[i]), 0);
		CHECK_EQ(write(fds[i][1], "mapped", 6), 6);
		wait_for_cqe(&raw[i]);
		CHECK_EQ(reap(&raw[i]), 6);
		CHECK(strcmp(text[i], "mapped") == 0);
	}
	unmap(&raw[1]);
	unmap(&raw[0]);
	CHECK_EQ(close(later.fd), 0);
	unmap(&later);
}

/* With the last mapping, what is in flight lets go of its file. */
static void the_last_mapping_ends_it(void)
{
	struct raw raw = make();
	struct pollfd wait = { .events = POLLIN };
	char text[8];
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	submit(&raw, read_of(pair[0], text), 0);
	CHECK_EQ(close(pair[0]), 0);
	CHECK_EQ(close(raw.fd), 0);
	MUST(munmap(raw.sqes, raw.params.sq_entries * sizeof(struct io_uring_sqe)));
	MUST(munmap(raw.sq, raw.params.sq_off.array + raw.params.sq_entries * 4));
	wait.fd = pair[1];
	CHECK_EQ(poll(&wait, 1, 100), 0);
	MUST(munmap(raw.cq, raw.params.cq_off.cqes + raw.params.cq_entries * 16));
	CHECK_EQ(poll(&wait, 1, 20000), 1);
}

/* Something else in its place is the end of a mapping, too. */
static void mapped_over(void)
{
	struct raw raw = make();
	struct pollfd wait = { .events = POLLIN };
	int pair[2], flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	size_t size = raw.params.cq_off.cqes + raw.params.cq_entries * 16;
	char text[8];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	submit(&raw, read_of(pair[0], text), 0);
	CHECK_EQ(close(pair[0]), 0);
	CHECK_EQ(close(raw.fd), 0);
	MUST(munmap(raw.sqes, raw.params.sq_entries * sizeof(struct io_uring_sqe)));
	MUST(munmap(raw.sq, raw.params.sq_off.array + raw.params.sq_entries * 4));
	CHECK(mmap(raw.cq, size, PROT_READ, flags, -1, 0) == raw.cq);
	wait.fd = pair[1];
	CHECK_EQ(poll(&wait, 1, 20000), 1);
}

/* What comes to be where a mapping was is none, as when a program unmaps first. */
static void unmapped_and_mapped_again(void)
{
	struct raw raw = make();
	struct pollfd wait = { .events = POLLIN };
	size_t size = raw.params.cq_off.cqes + raw.params.cq_entries * 16;
	int pair[2];
	char text[8];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	submit(&raw, read_of(pair[0], text), 0);
	CHECK_EQ(close(pair[0]), 0);
	unmap(&raw);
	CHECK(mmap(raw.cq, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == raw.cq);
	CHECK_EQ(close(raw.fd), 0);
	wait.fd = pair[1];
	CHECK_EQ(poll(&wait, 1, 20000), 1);
}

/* A child that has the mappings, and not the descriptor, ends nothing of its parent's. */
static void a_child_unmaps(void)
{
	struct raw raw = make();
	char text[8] = "";
	int fds[2];

	MUST(pipe(fds));
	submit(&raw, read_of(fds[0], text), 0);
	CHECK_EQ(close(raw.fd), 0);
	pid_t child = fork_child();

	if (child == 0) {
		unmap(&raw);
		_exit(PASS);
	}
	CHECK_EQ(exit_status(child), PASS);
	CHECK_EQ(ready(&raw), 0);
	CHECK_EQ(write(fds[1], "parent", 6), 6);
	wait_for_cqe(&raw);
	CHECK_EQ(reap(&raw), 6);
	unmap(&raw);
}

/* mmap, munmap and close by their numbers. */
static void by_number(void)
{
	struct raw raw = make();
	long page = 4096, prot = PROT_READ | PROT_WRITE;
	char *view = (char *)syscall(SYS_mmap, NULL, page, GARBAGE(prot), GARBAGE(MAP_SHARED), GARBAGE(raw.fd),
				     (long)IORING_OFF_SQ_RING);

	CHECK(view != MAP_FAILED);
	submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_NOP }, 1);
	CHECK_EQ(*word(view, raw.params.sq_off.head), 1);
	CHECK_EQ(reap(&raw), 0);
	CHECK_EQ(syscall(SYS_munmap, view, page), 0);
	CHECK_ERRNO(syscall(SYS_munmap, view + 1, page), EINVAL);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, page, prot, MAP_SHARED, raw.fd, 0x18000000L), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, page, prot, MAP_SHARED, -1, 0L), EBADF);
	view = (char *)syscall(SYS_mmap, NULL, page, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
	CHECK(view != MAP_FAILED && view[0] == 0);
	CHECK_EQ(syscall(SYS_munmap, view, page), 0);
	CHECK_EQ(syscall(SYS_close, GARBAGE(raw.fd)), 0);
	CHECK_ERRNO(syscall(SYS_close, raw.fd), EBADF);
	CHECK_ERRNO(syscall(SYS_io_uring_enter, raw.fd, 0, 0, 0, NULL, 0L), EBADF);
	unmap(&raw);
}

/* Nothing of rings that have gone in whichever order stays. */
static void nothing_is_left(void)
{
	struct raw raw = make();
	struct footprint before = footprint();
	int fds[2];
	char text[8];

	CHECK_EQ(close(raw.fd), 0);
	unmap(&raw);
	MUST(pipe(fds));
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			before = footprint();
		raw = make();
		submit(&raw, read_of(fds[0], text), 0);
		CHECK_EQ(close(raw.fd), 0);
		unmap(&raw);
	}
	CHECK_FOOTPRINT(before);
}

TEST_RING_PARTS_IN_MODES(PART(a_duplicate_goes_on), PART(what_is_mapped_goes_on), PART(the_last_mapping_ends_it),
			 PART(mapped_over), PART(unmapped_and_mapped_again), PART(a_child_unmaps), PART(by_number),
			 PART(nothing_is_left))

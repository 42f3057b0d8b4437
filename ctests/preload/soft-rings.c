/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs that do without a library: they make io_uring's calls through syscall(), map the ring with
 * mmap() and close it with close(). With rings served in user space they have the same.
 */
#include "preload.h"
#include "raw-ring.h"
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

MODES(NULL, "auto");

static void a_pipe(void)
{
	struct raw raw = make();
	char text[8] = "";
	int fds[2];

	MUST(pipe(fds));
	submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fds[0], .off = -1ull,
					    .addr = (uintptr_t)text, .len = 8 }, 0);
	CHECK_EQ(write(fds[1], "raw", 3), 3);
	CHECK_EQ(syscall(SYS_io_uring_enter, raw.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0L), 0);
	CHECK_EQ(reap(&raw), 3);
	CHECK(strcmp(text, "raw") == 0);
	CHECK_EQ(close(raw.fd), 0);
	CHECK_ERRNO(close(raw.fd), EBADF);
}

static void maps_as_asked(void)
{
	struct raw raw = make();
	size_t page = 4096;
	char *view = mmap(NULL, page, PROT_READ, MAP_SHARED, raw.fd, IORING_OFF_SQ_RING);

	CHECK(view != MAP_FAILED);
	submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_NOP }, 1);
	CHECK_EQ(*word(view, raw.params.sq_off.head), 1);
	errno = 0;
	CHECK(mmap(view, page, PROT_READ, MAP_SHARED | MAP_FIXED, raw.fd, IORING_OFF_SQ_RING) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	errno = 0;
	CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, raw.fd, 0x18000000) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(close(raw.fd), 0);
	/* The mappings stay. */
	CHECK_EQ(reap(&raw), 0);
	errno = 0;
	CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, raw.fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EBADF);
}

/* What is in flight when the ring is closed lets go of its file. */
static void close_gives_up_what_is_in_flight(void)
{
	struct raw raw = make();
	int pair[2];
	char byte;
	struct pollfd wait = { .events = POLLIN };

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = pair[0], .off = -1ull,
					    .addr = (uintptr_t)&byte, .len = 1 }, 0);
	CHECK_EQ(close(pair[0]), 0);
	unmap(&raw);
	CHECK_EQ(close(raw.fd), 0);
	wait.fd = pair[1];
	CHECK_EQ(poll(&wait, 1, 3000), 1);
}

/* A ring of provided buffers that is the server's: its memory can be mapped. */
static void maps_buffer_rings(void)
{
	enum { REGISTER_PBUF_RING = 22, OF_SERVER = 1, GROUP = 20 };
	struct { uint64_t addr; uint32_t entries; uint16_t group, flags; uint64_t more[3]; } reg = {
		.entries = 8, .group = GROUP, .flags = OF_SERVER
	};
	struct { uint64_t addr; uint32_t len; uint16_t id, tail; } *buffers;
	struct raw raw = make();
	char text[8] = "";
	int fds[2];

	MUST(pipe(fds));
	CHECK_EQ(syscall(SYS_io_uring_register, raw.fd, REGISTER_PBUF_RING, &reg, 1L), 0);
	buffers = (void *)mapped(&raw, 4096, 0x80000000 | (off_t)GROUP << 16);
	buffers[0].addr = (uintptr_t)text;
	buffers[0].len = sizeof(text);
	__atomic_store_n(&buffers[0].tail, 1, __ATOMIC_RELEASE);
	CHECK_EQ(write(fds[1], "raw", 3), 3);
	submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fds[0], .off = -1ull, .len = 8,
					    .flags = IOSQE_BUFFER_SELECT, .buf_group = GROUP }, 1);
	CHECK_EQ(reap(&raw), 3);
	CHECK(strcmp(text, "raw") == 0);
	errno = 0;
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, raw.fd, 0x80000000 | (off_t)(GROUP + 1) << 16) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	errno = 0;
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, raw.fd, 12) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(close(raw.fd), 0);
}

static void *sleeps_in_read(void *fds)
{
	char byte;

	return (void *)(intptr_t)read(((int *)fds)[0], &byte, 1);
}

/* close() and mmap() of anything else are libc's. */
static void of_other_files(void)
{
	struct raw raw = make();
	int fds[2], fd = (int)MUST(open("/proc/self/exe", O_RDONLY));
	pthread_t thread;
	char *file = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(file != MAP_FAILED && memcmp(file, "\177ELF", 4) == 0);
	CHECK_EQ(close(fd), 0);
	CHECK_ERRNO(close(fd), EBADF);
	CHECK_ERRNO(close(-1), EBADF);
	CHECK_ERRNO(close(1 << 30), EBADF);
	errno = 0;
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	MUST(pipe(fds));
	CHECK_EQ(pthread_create(&thread, NULL, sleeps_in_read, fds), 0);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(close(raw.fd), 0);
}

/* What a child closes between vfork and exec is the child's. */
static void closed_after_vfork(void)
{
	struct raw raw = make();

	for (int i = 0; i < 3; i++) {
		pid_t child = vfork();

		if (child == 0) {
			for (int fd = 3; fd < 1024; fd++)
				close(fd);
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		CHECK_OP(child, >, 0);
		CHECK_EQ(exit_status(child), 0);
		submit(&raw, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = 1 }, 1);
		CHECK_EQ(reap(&raw), 0);
	}
	CHECK_EQ(close(raw.fd), 0);
}

TEST_RING_PARTS_IN_MODES(PART(a_pipe), PART(closed_after_vfork), PART(maps_as_asked), PART(maps_buffer_rings), PART(close_gives_up_what_is_in_flight), PART(of_other_files))

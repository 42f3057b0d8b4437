/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* syscall() with a number that is none of ours is libc's: results, errno, arguments, children, threads. */
#include "preload.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/select.h>

MODES(NULL, "auto");

static void results(void)
{
	int fds[2];
	char text[8] = "";

	CHECK_EQ(syscall(SYS_getpid), getpid());
	CHECK_EQ(syscall(GARBAGE(SYS_getpid)), getpid());
	CHECK_EQ(syscall(SYS_gettid), gettid());
	MUST(pipe(fds));
	CHECK_EQ(syscall(SYS_write, fds[1], "seven!", 7L), 7);
	CHECK_EQ(syscall(SYS_read, fds[0], text, sizeof(text)), 7);
	CHECK(strcmp(text, "seven!") == 0);
	errno = 4444;
	CHECK_EQ(syscall(SYS_close, fds[0]), 0);
	CHECK_EQ(errno, 4444);
}

static void large_results(void)
{
	int fd = memfd_create("large", 0);

	MUST(ftruncate(fd, 1L << 40));
	CHECK_EQ(syscall(SYS_lseek, fd, (1L << 39) + 5, SEEK_SET), (1L << 39) + 5);
}

static void errors(void)
{
	CHECK_ERRNO(syscall(SYS_close, -1), EBADF);
	CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, "/does/not/exist", O_RDONLY), ENOENT);
	CHECK_ERRNO(syscall(SYS_kill, getpid(), 4444), EINVAL);
	CHECK_ERRNO(syscall(4444), ENOSYS);
	CHECK_ERRNO(syscall(-1), ENOSYS);
	CHECK_ERRNO(syscall(SYS_io_uring_setup - 1, -1, 0, 0, 0), EBADF); /* pidfd_send_signal */
	CHECK_ERRNO(syscall(SYS_io_uring_register + 1, -1, "", 4444), EINVAL); /* open_tree */
}

static void six_arguments(void)
{
	int fd = memfd_create("pages", 0);
	long page = sysconf(_SC_PAGESIZE);
	struct timespec at_once = { 0, 0 };
	unsigned int word = 7;
	uint64_t mask = 0;
	struct { void *mask; size_t size; } wrong = { &mask, 5 };

	MUST(ftruncate(fd, 2 * page));
	CHECK_EQ(pwrite(fd, "second", 6, page), 6);
	char *memory = (char *)syscall(SYS_mmap, NULL, page, PROT_READ, MAP_SHARED, fd, page);

	CHECK(memory != MAP_FAILED && memcmp(memory, "second", 6) == 0);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, page, PROT_READ, MAP_SHARED, fd, 1L), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 8, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 7, &at_once, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 7, &at_once, NULL, 1), ETIMEDOUT);
	CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &at_once, NULL), 0);
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &at_once, &wrong), EINVAL);
}

static void forked(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		syscall(SYS_exit_group, 42);
	CHECK_EQ(exit_status((pid_t)pid), 42);
}

#ifdef __x86_64__
/* Leaves at once: what a vfork child calls would write over its parent's return address. */
static inline void leave(int status)
{
	__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(status) : "memory");
}

static __attribute__((noinline)) long vforked_pid(void)
{
	long pid = syscall(SYS_vfork);

	if (pid == 0)
		leave(43);
	return pid;
}

static void vforked(void)
{
	CHECK_EQ(exit_status((pid_t)vforked_pid()), 43);
}

static int seen_by_child;

static void on_a_fresh_stack(void)
{
	seen_by_child = 44;
	leave(44);
}

/* The child comes out of syscall() on the new stack, where it finds the way to go and nothing else. */
static void new_stack(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *stack = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void **top = (void **)(stack + page);

	CHECK(stack != MAP_FAILED);
	memset(stack, 0x55, 2 * page);
	*top = (void *)on_a_fresh_stack;
	long pid = syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, top, NULL, NULL, 0);

	CHECK_EQ(exit_status((pid_t)pid), 44);
	CHECK_EQ(seen_by_child, 44);
	for (char *byte = (char *)(top + 1); byte < stack + 2 * page; byte++)
		CHECK_EQ(*byte, 0x55);
}
#endif

static int seen_by_threads;

static void *one_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		errno = i;
		CHECK_EQ(syscall(SYS_gettid), gettid());
		CHECK_EQ(errno, i);
		CHECK_ERRNO(syscall(SYS_close, -1), EBADF);
		CHECK_ERRNO(syscall(SYS_futex, &i, FUTEX_WAIT, -1, NULL, NULL, 0), EAGAIN);
	}
	return arg;
}

static void threads(void)
{
	pthread_t ids[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&ids[i], NULL, one_thread, &seen_by_threads), 0);
	for (int i = 0; i < 4; i++) {
		void *result;

		CHECK_EQ(pthread_join(ids[i], &result), 0);
		CHECK(result == &seen_by_threads);
	}
}

static volatile sig_atomic_t caught;

static void handler(int signal)
{
	caught = signal;
	syscall(SYS_close, -1);
}

static void signals(void)
{
	struct sigaction action = { .sa_handler = handler };

	MUST(sigaction(SIGALRM, &action, NULL));
	ualarm(20000, 0);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, NULL, NULL, 8), EINTR);
	CHECK_EQ(caught, SIGALRM);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), gettid(), SIGALRM), 0);
}

TEST_PARTS_IN_MODES(
	PART(results), PART(large_results), PART(errors), PART(six_arguments), PART(forked),
#ifdef __x86_64__
	PART(vforked), PART(new_stack),
#endif
	PART(threads), PART(signals))

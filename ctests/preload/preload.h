/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tests that run the same parts without the preload library, which shows that
 * the test asks for what the system does, and then with it in each mode.
 */
#ifndef CTESTS_PRELOAD_H
#define CTESTS_PRELOAD_H

#include "../liburing/check.h"
#include <dlfcn.h>
#include <sys/syscall.h>

/* A 32-bit argument as old clients pass it: the upper half is what a register held. */
#define GARBAGE(value) ((0x5eadbeefL << 32) | (unsigned int)(value))

/* -1 and this errno, as the system's syscall() answers. */
#define CHECK_ERRNO(call, wanted) do {                                          \
	errno = 0;                                                              \
	CHECK_EQ(call, -1);                                                     \
	CHECK_EQ(errno, wanted);                                                \
} while (0)

/* The mode that this run is in; NULL without the library. */
static inline const char *mode(void)
{
	return getenv("ANYRING_AIO");
}

static inline bool rings_expected(void)
{
	return mode() && strcmp(mode(), "native") != 0;
}

/* What tells eventfds apart; -1 for another file. */
static inline int eventfd_id(int fd)
{
	char path[64], line[128];
	int id = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *info = fopen(path, "r");

	while (info && fgets(line, sizeof(line), info))
		sscanf(line, "eventfd-id: %d", &id);
	if (info)
		fclose(info);
	return id;
}

static inline int count_rings(void)
{
	enum { FDS = 2048 };
	int ids[FDS], marked = 0, rings = 0;
	char path[64], target[64];

	for (int fd = 0; fd < FDS; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		rings += strcmp(target, "anon_inode:[io_uring]") == 0;
		/* Those that are served in user space have flags that next to no eventfd has, and two descriptors. */
		if (strcmp(target, "anon_inode:[eventfd]") || fcntl(fd, F_GETFL) != (O_RDWR | O_NONBLOCK | O_APPEND))
			continue;
		int id = eventfd_id(fd);

		for (int i = 0; i < marked; i++)
			rings += ids[i] == id;
		ids[marked++] = id;
	}
	return rings;
}

static inline void check_whose_syscall(void)
{
	Dl_info info;

	CHECK(dladdr((void *)syscall, &info) != 0);
	CHECK_EQ(strstr(info.dli_fname, "libanyring-preload.so") != NULL, mode() != NULL);
}

static inline int run_in_mode(const char *name)
{
	const char *dir = getenv("LD_LIBRARY_PATH");
	char library[4096];
	pid_t pid = fork_child();

	if (pid == 0) {
		snprintf(library, sizeof(library), "%s/libanyring-preload.so", dir ? dir : ".");
		if (name) {
			MUST(access(library, R_OK));
			setenv("LD_PRELOAD", library, 1);
			setenv("ANYRING_AIO", name, 1);
		}
		setenv("IN_MODE", name ? name : "none", 1);
		execl("/proc/self/exe", "test", (char *)NULL);
		_exit(127);
	}
	return exit_status(pid);
}

/* Where the kernel's rings are blocked, the library is all that makes some. */
static inline bool rings_are_blocked(void)
{
	char params[120] = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 1, params);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EPERM || errno == ENOSYS);
}

static inline int run_in_modes(const char *const *modes, size_t nr, bool needs_rings)
{
	int failed = 0;

	unsetenv("ANYRING_AIO");
	for (size_t i = 0; i < nr; i++) {
		if (!modes[i] && needs_rings && rings_are_blocked()) {
			printf("without the library: rings are blocked\n");
			continue;
		}
		printf("%s:\n", modes[i] ? modes[i] : "without the library");
		failed += run_in_mode(modes[i]) != PASS;
	}
	return failed ? FAIL : PASS;
}

#define MODES(...) static const char *const modes[] = { __VA_ARGS__ }
#define TEST_PARTS_IN_MODES(...) TEST_PARTS_NEEDING(false, __VA_ARGS__)
/* Parts that make io_uring's calls. */
#define TEST_RING_PARTS_IN_MODES(...) TEST_PARTS_NEEDING(true, __VA_ARGS__)
#define TEST_PARTS_NEEDING(needs_rings, ...)                                    \
int main(int argc, char **argv)                                                 \
{                                                                               \
	static const struct part parts[] = { __VA_ARGS__ };                     \
									\
	if (!getenv("IN_MODE"))                                                 \
		return run_in_modes(modes, sizeof(modes) / sizeof(modes[0]),    \
				    needs_rings);                               \
	check_whose_syscall();                                                  \
	return run_parts(parts, sizeof(parts) / sizeof(parts[0]), argc, argv);  \
}

#endif

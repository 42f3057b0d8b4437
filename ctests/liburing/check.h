/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Checks, and the runner of a test program's parts.
 *
 * A test program is a list of parts. Each part runs in a child of its own, so
 * that a failure, a crash or a hang of one leaves the others alone, and limits,
 * signals and credentials that a part changes are gone when it ends. The
 * program exits 1 when a part failed, 77 when all parts were skipped, else 0.
 * `program part-name` runs one part in the process itself, for a debugger.
 */
#ifndef CTESTS_CHECK_H
#define CTESTS_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PASS = 0, FAIL = 1, SKIPPED = 77, PART_SECONDS_MAX = 100 };

static inline const char *errno_text(long long value)
{
	return value < 0 && value > -4096 ? strerrorname_np((int)-value) : NULL;
}

static inline void check_print_value(const char *label, const char *expr, long long value)
{
	const char *name = errno_text(value);

	fprintf(stderr, "    %s %s = %lld%s%s%s\n", label, expr, value,
		name ? " (-" : "", name ? name : "", name ? ")" : "");
}

static inline void check_compare(const char *file, int line, bool ok, const char *op,
				 const char *got_expr, long long got,
				 const char *want_expr, long long want)
{
	if (ok)
		return;
	fprintf(stderr, "  %s:%d: not %s %s %s\n", file, line, got_expr, op, want_expr);
	check_print_value("left: ", got_expr, got);
	check_print_value("right:", want_expr, want);
	exit(FAIL);
}

#define CHECK(cond) do {                                                        \
	if (!(cond)) {                                                          \
		fprintf(stderr, "  %s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		exit(FAIL);                                                     \
	}                                                                       \
} while (0)

#define CHECK_TEXT(a, op, b, a_text, b_text) do {                               \
	long long check_a = (long long)(a), check_b = (long long)(b);           \
	check_compare(__FILE__, __LINE__, check_a op check_b, #op,              \
		      a_text, check_a, b_text, check_b);                        \
} while (0)

#define CHECK_OP(a, op, b) CHECK_TEXT(a, op, b, #a, #b)
#define CHECK_EQ(got, want) CHECK_TEXT(got, ==, want, #got, #want)

/* For the system calls of the test itself: stops with errno's text. */
#define MUST(call) ({                                                           \
	long long must_ret = (long long)(call);                                 \
	if (must_ret < 0) {                                                     \
		fprintf(stderr, "  %s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
			strerror(errno));                                       \
		exit(FAIL);                                                     \
	}                                                                       \
	must_ret;                                                               \
})

/* The library returns -errno and leaves the variable alone: sets a canary, makes the call, looks. */
#define ERRNO_KEPT(call) ({                                                     \
	errno = 4444;                                                           \
	long long kept_ret = (long long)(call);                                 \
	CHECK_EQ(errno, 4444);                                                  \
	kept_ret;                                                               \
})

#define SKIP(...) do {                                                          \
	fprintf(stderr, "  skipped: " __VA_ARGS__);                             \
	fputc('\n', stderr);                                                    \
	exit(SKIPPED);                                                          \
} while (0)

/* What a process holds: descriptors, and mappings other than heap and stack. */
struct footprint {
	int fds;
	int maps;
	size_t mapped_bytes;
};

static inline int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = -2; /* "." and ".." */

	CHECK(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline int count_fds(void)
{
	return count_entries("/proc/self/fd") - 1; /* the directory itself */
}

static inline int count_threads(void)
{
	return count_entries("/proc/self/task");
}

/* The memory that the process has, in KiB. */
static inline long rss_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident;

	CHECK(file != NULL);
	CHECK_EQ(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Whether rings are the kernel's: it looks for the parameters only where it serves any. */
static inline bool kernel_serves(void)
{
	const char *backing = getenv("ANYRING_BACKING");

	return syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EFAULT && !(backing && !strcmp(backing, "soft"));
}

/* The descriptor that the program gets next. */
static inline int next_fd(void)
{
	int fd = (int)MUST(dup(0));

	close(fd);
	return fd;
}

static inline void count_line(struct footprint *f, const char *line)
{
	unsigned long start, end;

	if (strstr(line, "[heap]") || strstr(line, "[stack]"))
		return;
	CHECK_EQ(sscanf(line, "%lx-%lx", &start, &end), 2);
	f->maps++;
	f->mapped_bytes += end - start;
}

static inline struct footprint footprint(void)
{
	/* static: no allocation between two counts, which could move what is counted */
	static char text[1 << 18];
	struct footprint f = { .fds = count_fds() };
	int fd = (int)MUST(open("/proc/self/maps", O_RDONLY));
	size_t len = 0;
	ssize_t n;

	while ((n = MUST(read(fd, text + len, sizeof(text) - 1 - len))) > 0)
		len += (size_t)n;
	close(fd);
	CHECK_OP(len, <, sizeof(text) - 1);
	text[len] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		count_line(&f, line);
	return f;
}

/* Sanitizers and Valgrind map memory of their own all the time: then only descriptors count. */
static inline bool counts_maps(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#else
	return getenv("CTESTS_SANITIZED") == NULL;
#endif
}

static inline bool is_footprint(const struct footprint *now, const struct footprint *before)
{
	return now->fds == before->fds &&
	       (!counts_maps() || (now->maps == before->maps && now->mapped_bytes == before->mapped_bytes));
}

#define CHECK_FOOTPRINT(before) do {                                            \
	struct footprint check_now = footprint();                               \
	/* Threads that serve rings in user space linger a little. */           \
	for (int i = 0; i < 200 && !is_footprint(&check_now, &(before)); i++) { \
		usleep(100000);                                                 \
		check_now = footprint();                                        \
	}                                                                       \
	CHECK_EQ(check_now.fds, (before).fds);                                  \
	if (counts_maps()) {                                                    \
		CHECK_EQ(check_now.maps, (before).maps);                        \
		CHECK_EQ(check_now.mapped_bytes, (before).mapped_bytes);        \
	}                                                                       \
} while (0)

/* fork whose child dies with its parent, so that nothing outlives a part that timed out. */
static inline pid_t fork_child(void)
{
	fflush(NULL);
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static inline int exit_status(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct part {
	const char *name;
	void (*run)(void);
};

static inline int run_part(const struct part *part)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		alarm(PART_SECONDS_MAX);
		part->run();
		exit(PASS);
	}
	int status = exit_status(pid);

	if (status > 128)
		fprintf(stderr, "  killed by signal %d%s\n", status - 128,
			status - 128 == SIGALRM ? " (hung)" : "");
	printf("%s %s\n", status == PASS ? "ok  " : status == SKIPPED ? "skip" : "FAIL",
	       part->name);
	return status;
}

static inline int run_parts(const struct part *parts, size_t nr, int argc, char **argv)
{
	size_t skipped = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < nr; i++) {
		if (argc > 1) {
			if (strcmp(argv[1], parts[i].name) == 0) {
				parts[i].run();
				return PASS;
			}
			continue;
		}
		int status = run_part(&parts[i]);

		skipped += status == SKIPPED;
		failed += status != PASS && status != SKIPPED;
	}
	if (argc > 1) {
		fprintf(stderr, "no part is called %s\n", argv[1]);
		return FAIL;
	}
	return failed ? FAIL : skipped == nr ? SKIPPED : PASS;
}

#define PART(fn) { #fn, fn }
#define TEST_PARTS(...)                                                         \
int main(int argc, char **argv)                                                 \
{                                                                               \
	static const struct part parts[] = { __VA_ARGS__ };                     \
	return run_parts(parts, sizeof(parts) / sizeof(parts[0]), argc, argv);  \
}

#endif

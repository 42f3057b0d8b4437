/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the two fuzzers of a program's surroundings have in common: each seed is a process, which must end by itself,
 * in time, with what it began with.
 */
#ifndef CTESTS_STRESS_H
#define CTESTS_STRESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A seed takes a moment: whoever takes so long on a busy machine hangs. */
enum { HANG_SECONDS = 60, SETTLE_MS = 15000, SLACK = 1 << 20 };

static uint64_t random_state;

static inline uint64_t random_of(uint64_t *state)
{
	uint64_t x = (*state += 0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static inline unsigned below(unsigned limit)
{
	return (unsigned)(random_of(&random_state) % limit);
}

/* Where messages go: requests may write to 0, 1 and 2. */
static int messages = 2;

_Noreturn static inline void fail(const char *file, int line, const char *what, long value)
{
	dprintf(messages, "%s:%d: not true: %s (%ld)\n", file, line, what, value);
	_exit(1);
}
#define HOLDS_OF(cond, value) do {                                              \
	if (!(cond))                                                            \
		fail(__FILE__, __LINE__, #cond, (long)(value));                 \
} while (0)
#define HOLDS(cond) HOLDS_OF(cond, 0)
#define MUST(call) ({                                                           \
	long must_ret = (long)(call);                                           \
	HOLDS_OF(must_ret >= 0, errno);                                         \
	must_ret;                                                               \
})

struct held {
	int fds, threads;
	long bytes;
};

static inline int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = -2;

	HOLDS(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline struct held count_held(void)
{
	char line[512];
	struct held held = { count_entries("/proc/self/fd"), count_entries("/proc/self/task"), 0 };
	FILE *file = fopen("/proc/self/maps", "r");

	HOLDS(file != NULL);
	while (fgets(line, sizeof(line), file)) {
		unsigned long start, end;

		if (!strstr(line, "[heap]") && !strstr(line, "[stack]") &&
		    sscanf(line, "%lx-%lx", &start, &end) == 2)
			held.bytes += (long)(end - start);
	}
	fclose(file);
	return held;
}

static inline void list_fds(void)
{
	char path[64], name[256];

	for (int fd = 0; fd < 65536; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(path, name, sizeof(name) - 1);

		if (len >= 0)
			dprintf(messages, "%d: %.*s\n", fd, (int)len, name);
	}
}

/* Threads and what they stood on linger for a moment. */
static inline void check_held(const struct held *before)
{
	const char *backing = getenv("ANYRING_BACKING");
	bool is_soft = backing && strcmp(backing, "soft") == 0;
	struct held now = count_held();

	for (int i = 0; i < SETTLE_MS / 10 && (now.fds > before->fds || (is_soft && now.threads > before->threads) ||
					       now.bytes > before->bytes + SLACK); i++) {
		usleep(10000);
		now = count_held();
	}
	if (now.fds > before->fds)
		list_fds();
	HOLDS_OF(now.fds <= before->fds, now.fds - before->fds);
	/* The kernel's own threads end when it likes. */
	if (is_soft)
		HOLDS_OF(now.threads <= before->threads, now.threads - before->threads);
	HOLDS_OF(now.bytes <= before->bytes + SLACK, now.bytes - before->bytes);
}

static inline double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void hide_output(void)
{
	int null = (int)MUST(open("/dev/null", O_RDWR));

	messages = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 500));
	for (int fd = 0; fd < 3; fd++)
		MUST(dup2(null, fd));
	close(null);
}

/* Plays a seed in a child: whether it ended well. */
static inline bool play_seed(uint64_t seed, void (*play)(uint64_t))
{
	int status;

	fflush(NULL);
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		mallopt(M_ARENA_MAX, 1);
		alarm(HANG_SECONDS);
		random_state = seed;
		hide_output();
		play(seed);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	if (status == 0)
		return true;
	if (WIFSIGNALED(status))
		printf("FAIL --seed %llu: %s SIG%s\n", (unsigned long long)seed,
		       WTERMSIG(status) == SIGALRM ? "it hangs," : "killed by", sigabbrev_np(WTERMSIG(status)));
	else
		printf("FAIL --seed %llu: exit status %d\n", (unsigned long long)seed, WEXITSTATUS(status));
	return false;
}

/* PROGRAM SECONDS [FIRST_SEED], or PROGRAM --seed SEED: in this process, for a debugger. */
static inline int stress_main(int argc, char **argv, void (*play)(uint64_t))
{
	unsigned long failed = 0, played = 0;
	double seconds = argc > 1 ? atof(argv[1]) : 20;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	if (argc > 2 && strcmp(argv[1], "--seed") == 0) {
		random_state = seed;
		hide_output();
		play(seed);
		return 0;
	}
	printf("seeds from %llu on, for %.0f s\n", (unsigned long long)seed, seconds);
	for (double end = seconds_now() + seconds; seconds_now() < end && failed < 10; played++)
		failed += !play_seed(seed++, play);
	printf("%lu seeds, %lu failed\n", played, failed);
	return failed != 0 || played == 0;
}

#endif

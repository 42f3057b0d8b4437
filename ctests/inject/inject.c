/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * inject [--only NAME] [--step N] [--kinds N] [--persist] [--jobs N] [--at N --which N [--here]]
 *
 * Runs every scenario once for each system call that the library makes in it, and each error that the call may have,
 * until a run passes without that call being reached; so, too, for threads and memory. With --step only each N-th
 * call fails. --at and --which run one case, --here does so in this process, for a debugger.
 */
#include "inject.h"
#include <dirent.h>
#include <getopt.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

struct anyring_inject anyring_inject;

enum { HANG_SECONDS = 20, SETTLE_MS = 10000, TEXT = 240, MAX_SCENARIOS = 256, PLAIN_RUNS = 3, FAILURES_SHOWN = 8,
       PAGES = 8 * 4096 };

/* What a process holds. */
struct held {
	int fds, maps, threads;
	long bytes, live;
};

/* What came of a run, told to the process that started it. */
struct outcome {
	atomic_uint is_done;
	struct held lost;
	long passed, call;
	unsigned choices;
	int error;
	char text[TEXT];
};

/* Shared by all processes. */
static struct shared {
	atomic_uint next;
	atomic_ulong injected, failed, runs;
	atomic_uchar opcodes[256];
	struct outcome outcomes[];
} *shared;

static struct outcome *outcome;
static struct {
	const char *only;
	long at, which, step;
	unsigned kinds, persists;
	int jobs;
	bool here;
} options = { .step = 1, 
	      .kinds = KIND_CALL | KIND_MEMORY | KIND_THREAD, .jobs = 4 };

/* The plan of a child is a copy of its own: what failed in it is told also when it crashes. */
static void share_plan(void)
{
	outcome->choices = atomic_load(&anyring_inject.choices);
	outcome->call = atomic_load(&anyring_inject.call);
	outcome->error = atomic_load(&anyring_inject.error);
}

void wrong(const char *file, int line, const char *what, long got, long want)
{
	const char *name = got < 0 && got > -4096 ? strerrorname_np((int)-got) : "";

	snprintf(outcome->text, TEXT, "%s:%d: %s is %ld%s%s, not %ld", file, line, what, got, *name ? " -" : "",
		 name, want);
	share_plan();
	if (options.here)
		abort();
	_exit(1);
}

void note_opcode(unsigned opcode)
{
	atomic_store(&shared->opcodes[opcode & 255], 1);
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = -2;

	HOLDS(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* No allocation between two counts, which could move what is counted. */
static struct held count(void)
{
	static char text[1 << 18];
	struct held held = { .fds = count_entries("/proc/self/fd"), .threads = count_entries("/proc/self/task"),
			     .live = atomic_load(&anyring_inject.live) };
	int fd = (int)MUST(open("/proc/self/maps", O_RDONLY));
	size_t len = 0;
	ssize_t n;

	while ((n = MUST(read(fd, text + len, sizeof(text) - 1 - len))) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long start, end;

		if (strstr(line, "[heap]") || strstr(line, "[stack]") || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		held.maps++;
		held.bytes += (long)(end - start);
	}
	return held;
}

static struct held without(struct held a, const struct held *b)
{
	return (struct held){ a.fds - b->fds, a.maps - b->maps, a.threads - b->threads, a.bytes - b->bytes,
			      a.live - b->live };
}

/* A few pages more are none that are lost: what could not be had once is had in another way from then on. */
static bool exceeds(const struct held *a, const struct held *limit)
{
	return a->fds > limit->fds || a->threads > limit->threads || a->bytes - PAGES > limit->bytes ||
	       a->live > limit->live;
}

/*
 * A ring with a worker and something to wait for: the library goes on to work. It keeps what a thread stood on until
 * it next has to do with threads, and a little once it was used, which then counts in every run.
 */
static void use_rings(void)
{
	struct io_uring ring;
	int pipes[2];
	char byte;

	MUST(pipe(pipes));
	HOLDS(io_uring_queue_init(2, &ring, 0) == 0);
	io_uring_prep_read(new_sqe(&ring), pipes[0], &byte, 1, 0);
	HOLDS(io_uring_submit(&ring) == 1);
	MUST(write(pipes[1], "x", 1));
	HOLDS(take_cqe(&ring).res == 1);
	io_uring_prep_fsync(new_sqe(&ring), 0, 0);
	HOLDS(io_uring_submit(&ring) == 1);
	take_cqe(&ring);
	io_uring_queue_exit(&ring);
	close(pipes[0]);
	close(pipes[1]);
}

/* What the process has more of than `before`, when that is no more than `usual`, or stays so. */
static struct held settle(void (*use)(void), const struct held *before, const struct held *usual)
{
	use();
	struct held more = without(count(), before);

	for (int i = 0; i < SETTLE_MS && exceeds(&more, usual); i++) {
		usleep(1000);
		if (i % 256 == 255)
			use();
		more = without(count(), before);
	}
	return more;
}

static void play(const struct scenario *scenario, long at, unsigned which, const struct held *usual)
{
	struct held before = count();

	atomic_store(&anyring_inject.kinds, options.kinds);
	atomic_store(&anyring_inject.at, at);
	atomic_store(&anyring_inject.which, which);
	atomic_store(&anyring_inject.persists, options.persists);
	atomic_store(&anyring_inject.armed, 1);
	scenario->run();
	atomic_store(&anyring_inject.armed, 0);
	share_plan();
	outcome->lost = settle(scenario->use ? scenario->use : use_rings, &before, usual);
	outcome->passed = atomic_load(&anyring_inject.passed);
	if (exceeds(&outcome->lost, usual))
		snprintf(outcome->text, TEXT, "left behind: %d descriptors, %d threads, %ld bytes mapped, %ld pieces "
			 "of memory (usually %d, %d, %ld, %ld)", outcome->lost.fds, outcome->lost.threads,
			 outcome->lost.bytes, outcome->lost.live, usual->fds, usual->threads, usual->bytes,
			 usual->live);
}

static void crashed(int sig)
{
	share_plan();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void in_child(const struct scenario *scenario, long at, unsigned which, const struct held *usual)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE, SIGALRM };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The C library reserves memory for each thread that first needs any. */
	mallopt(M_ARENA_MAX, 1);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], crashed);
	atexit(share_plan);
	alarm(HANG_SECONDS);
	play(scenario, at, which, usual);
	share_plan();
	_exit(outcome->text[0] ? 1 : 0);
}

/* Runs a scenario in a child: whether all is well. Says what is not. */
static bool run_case(const struct scenario *scenario, long at, unsigned which, const struct held *usual)
{
	int status;

	memset(outcome, 0, sizeof(*outcome));
	atomic_fetch_add(&shared->runs, 1);
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		in_child(scenario, at, which, usual);
	MUST(waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		snprintf(outcome->text, TEXT, WTERMSIG(status) == SIGALRM ? "it hangs" : "killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) && !outcome->text[0])
		snprintf(outcome->text, TEXT, "exit status %d", WEXITSTATUS(status));
	return !outcome->text[0];
}

static void complain(const struct scenario *scenario, long at, unsigned which)
{
	char call[32];

	snprintf(call, sizeof(call), outcome->call == MEMORY ? "memory" : outcome->call == THREAD ? "a thread" :
		 "system call %ld", outcome->call);
	printf("FAIL %s --at %ld --which %u (%s: %s): %s\n", scenario->name, at, which,
	       outcome->choices ? call : "nothing", outcome->choices ? strerrorname_np(outcome->error) : "failed",
	       outcome->text);
	fflush(stdout);
}

/* What runs without a failure leave behind: the library's own, once it was used. */
static bool plain_runs(const struct scenario *scenario, struct held *usual, long *passed)
{
	const struct held any = { INT_MAX, INT_MAX, 0, LONG_MAX, LONG_MAX };
	const struct held none = { 0 };

	*passed = 0;
	*usual = none;
	for (int i = 0; i < PLAIN_RUNS; i++) {
		/* The first settle as far as they do. */
		if (!run_case(scenario, 0, 0, &any) && (complain(scenario, 0, 0), true))
			return false;
		*passed = outcome->passed > *passed ? outcome->passed : *passed;
		usual->bytes = outcome->lost.bytes > usual->bytes ? outcome->lost.bytes : usual->bytes;
		usual->live = outcome->lost.live > usual->live ? outcome->lost.live : usual->live;
	}
	return true;
}

static void run_scenario(const struct scenario *scenario)
{
	unsigned long injected = 0, failed = 0;
	struct held usual;
	long passed;

	if (!plain_runs(scenario, &usual, &passed)) {
		atomic_fetch_add(&shared->failed, 1);
		return;
	}
	int missed = 0;

	for (long at = options.step > 1 ? 1 + (long)(scenario->name[0] + passed) % options.step : 1; missed < 2;
	     at += options.step) {
		bool reached = false;
		unsigned choices = 1;

		for (unsigned which = 0; which < choices; which++) {
			if (!run_case(scenario, at, which, &usual)) {
				if (++failed <= FAILURES_SHOWN)
					complain(scenario, at, which);
			}
			if (outcome->choices) {
				injected++;
				reached = true;
				choices = outcome->choices;
			}
		}
		missed = reached ? 0 : missed + 1;
	}
	printf("%s %-28s %5ld calls, %6lu made to fail, %lu failures\n", failed ? "FAIL" : "ok  ", scenario->name, passed,
	       injected, failed);
	fflush(stdout);
	atomic_fetch_add(&shared->injected, injected);
	atomic_fetch_add(&shared->failed, failed);
}

static size_t collect(struct scenario *all)
{
	static const struct scenario *const lists[] = { ring_scenarios, register_scenarios, file_scenarios,
							path_scenarios, socket_scenarios, event_scenarios,
							aio_scenarios };
	size_t nr = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct scenario *s = lists[i]; s->name; s++)
			if (!options.only || strcmp(options.only, s->name) == 0)
				all[nr++] = *s;
	HOLDS(nr <= MAX_SCENARIOS);
	return nr;
}

/* A folder of its own for the scenarios of a job. */
static void work(const struct scenario *all, size_t nr, int job)
{
	char name[] = "inject-XXXXXX";
	unsigned at;

	outcome = &shared->outcomes[job];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	HOLDS(mkdtemp(name) != NULL && chdir(name) == 0);
	while ((at = atomic_fetch_add(&shared->next, 1)) < nr)
		run_scenario(&all[at]);
	_exit(0);
}

static void read_options(int argc, char **argv)
{
	enum { ONLY, AT, WHICH, STEP, KINDS, PERSIST, JOBS, HERE };
	static const struct option known[] = {
		{ "only", 1, NULL, ONLY }, { "at", 1, NULL, AT }, { "which", 1, NULL, WHICH },
		{ "step", 1, NULL, STEP }, { "kinds", 1, NULL, KINDS }, { "persist", 0, NULL, PERSIST },
		{ "jobs", 1, NULL, JOBS }, { "here", 0, NULL, HERE }, { NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case ONLY: options.only = optarg; break;
		case AT: options.at = atol(optarg); break;
		case WHICH: options.which = atol(optarg); break;
		case STEP: options.step = atol(optarg); break;
		case KINDS: options.kinds = (unsigned)atol(optarg); break;
		case PERSIST: options.persists = 1; break;
		case JOBS: options.jobs = atoi(optarg); break;
		case HERE: options.here = true; break;
		default: exit(2);
		}
	}
	if (options.step < 1 || options.jobs < 1 || optind != argc)
		exit(2);
}

/* One case, of one scenario. */
static int run_single(const struct scenario *scenario)
{
	struct held usual;
	long passed;

	outcome = &shared->outcomes[0];
	if (options.here) {
		const struct held none = { 0 };

		play(scenario, options.at, (unsigned)options.which, &none);
		printf("%s\n", outcome->text);
		return 0;
	}
	if (!plain_runs(scenario, &usual, &passed))
		return 1;
	if (run_case(scenario, options.at, (unsigned)options.which, &usual)) {
		printf("ok\n");
		return 0;
	}
	complain(scenario, options.at, (unsigned)options.which);
	return 1;
}

/* Every operation that a ring has must have been in some scenario. */
static int missing_opcodes(void)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	int missing = 0;

	if (!probe)
		return 0;
	for (int op = 0; op <= probe->last_op; op++)
		if (io_uring_opcode_supported(probe, op) && !atomic_load(&shared->opcodes[op])) {
			printf("FAIL operation %d is in no scenario\n", op);
			missing++;
		}
	io_uring_free_probe(probe);
	return missing;
}

int main(int argc, char **argv)
{
	static struct scenario all[MAX_SCENARIOS];

	read_options(argc, argv);
	size_t nr = collect(all), size = sizeof(*shared) + sizeof(struct outcome) * (size_t)options.jobs;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || nr == 0)
		return 2;
	outcome = &shared->outcomes[0];
	if (options.at)
		return run_single(&all[0]);
	for (int job = 0; job < options.jobs; job++)
		if (MUST(fork()) == 0)
			work(all, nr, job);
	while (wait(NULL) > 0)
		;
	int missing = options.only ? 0 : missing_opcodes();

	printf("%zu scenarios, %lu runs, %lu failures injected, %lu wrong\n", nr, atomic_load(&shared->runs),
	       atomic_load(&shared->injected), atomic_load(&shared->failed));
	return atomic_load(&shared->failed) || missing || !atomic_load(&shared->injected);
}

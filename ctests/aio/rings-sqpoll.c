/* runs alone: it measures times, and needs both CPUs */
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SQTHREAD with SQPOLL: I/O without any system call, and the thread's way to sleep and back. */
#include "rings.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

static unsigned kflags(const struct rings *r)
{
	return __atomic_load_n(&r->sq->kflags, __ATOMIC_ACQUIRE);
}

/* From here on this thread dies of any system call but exit_group. */
static void no_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void without_system_calls(void)
{
	struct rings r = rings_new(16, IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL, false);
	int fd = data_file(0);
	long done = 0;

	/* The thread is made by the first call, as the flag asks for. */
	CHECK_EQ(kflags(&r), AIO_SQ_NEED_WAKEUP);
	rings_get(&r, IOCB_CMD_PREAD, fd);
	CHECK_EQ(rings_submit(&r, 1, 1), 1);
	rings_take(&r);
	CHECK_EQ(kflags(&r), 0);
	no_calls();
	/* Not even CHECK may print from here on: _exit with another code says that something was wrong. */
	for (int round = 0; round < 2000; round++) {
		for (int i = 0; i < 8; i++)
			rings_get(&r, IOCB_CMD_PREAD, fd)->aio_offset = (i + round) % BLOCKS * BLOCK;
		rings_publish(&r);
		for (int i = 0; i < 8; i++) {
			while (rings_ready(&r) == 0)
				;
			if (rings_take(&r).res != BLOCK)
				_exit(FAIL);
			done++;
		}
	}
	_exit(done == 16000 ? PASS : FAIL);
}

static void sleeps_and_wakes(void)
{
	struct rings r = rings_new(8, IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL, false);
	int fd = data_file(0);

	for (int round = 0; round < 2; round++) {
		rings_get(&r, IOCB_CMD_PREAD, fd);
		CHECK_EQ(rings_submit(&r, 1, 1), 1);
		rings_take(&r);
		/* It polls for a second. */
		double start = now_ms();

		while (kflags(&r) == 0)
			CHECK(now_ms() - start < PATIENCE_MS);
		CHECK(now_ms() - start > 900);
		/* It looks once more; then, asleep, it takes nothing and uses no CPU. */
		usleep(100000);
		clock_t used = clock();

		rings_get(&r, IOCB_CMD_PREAD, fd);
		rings_publish(&r);
		usleep(100000);
		CHECK_EQ(rings_ready(&r), 0);
		CHECK(clock() - used < CLOCKS_PER_SEC / 20);
		CHECK_EQ(io_ring_enter(r.ctx, 1, 0, 0), 1);
		rings_poll(&r, 1, PATIENCE_MS);
		CHECK_EQ(rings_take(&r).res, BLOCK);
	}
	destroy(&r);
}

/* Submissions that hit the moment of going to sleep, without a fence, as the clients of 2018 have it. */
static void none_is_missed(void)
{
	struct rings r = rings_new(8, IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL, false);
	int fd = data_file(0);

	for (int round = 0; round < 12; round++) {
		rings_get(&r, IOCB_CMD_PREAD, fd);
		__atomic_store_n(&r.sq->tail, r.tail, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(&r.sq->kflags, __ATOMIC_RELAXED) & AIO_SQ_NEED_WAKEUP)
			CHECK_EQ(io_ring_enter(r.ctx, 1, 0, 0), 1);
		rings_poll(&r, 1, PATIENCE_MS);
		CHECK_EQ(rings_take(&r).res, BLOCK);
		double start = now_ms();

		while (now_ms() - start < 999.9 + round * 0.02)
			;
	}
	destroy(&r);
}

static bool is_of_the_ring(int tid)
{
	char path[64], name[32] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	FILE *file = fopen(path, "r");

	CHECK(file != NULL);
	CHECK(fgets(name, sizeof(name), file) != NULL);
	fclose(file);
	return strcmp(name, "anyring-sq\n") == 0;
}

/* The thread is where the ring says. */
static void on_its_cpu(void)
{
	struct rings r = rings_prepare(8, IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL, false);
	cpu_set_t mask;
	int fd = data_file(0), found = 0;
	struct dirent *entry;

	MUST(sched_getaffinity(0, sizeof(mask), &mask));
	if (CPU_COUNT(&mask) < 2)
		SKIP("one CPU");
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET(cpu, &mask)) {
			r.sq->sq_thread_cpu = (__u16)cpu;
			break;
		}
	CHECK_EQ(rings_setup(&r), 0);
	rings_get(&r, IOCB_CMD_PREAD, fd);
	CHECK_EQ(rings_submit(&r, 1, 1), 1);
	usleep(20000); /* a thread that has just begun has no name of its own yet */
	DIR *dir = opendir("/proc/self/task");

	CHECK(dir != NULL);
	while ((entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid == 0 || tid == getpid() || !is_of_the_ring(tid))
			continue;
		MUST(sched_getaffinity(tid, sizeof(mask), &mask));
		CHECK_EQ(CPU_COUNT(&mask), 1);
		CHECK(CPU_ISSET(r.sq->sq_thread_cpu, &mask));
		found++;
	}
	closedir(dir);
	CHECK_EQ(found, 1);
	destroy(&r);
}

TEST_PARTS(PART(without_system_calls), PART(sleeps_and_wakes), PART(none_is_missed), PART(on_its_cpu))

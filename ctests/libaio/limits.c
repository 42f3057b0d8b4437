/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel's aio needs no descriptor and no locked memory: contexts are to be had, and descriptors left, without. */
#include "aio.h"
#include <sys/resource.h>

enum { CONTEXTS = 500, DESCRIPTORS = 256, USER = 65534 };

static char block[4096];

static void many_contexts(void)
{
	struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
	static io_context_t contexts[CONTEXTS];
	int fd = new_file(0), taken[DESCRIPTORS / 2];
	struct iocb iocb;

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < CONTEXTS; i++)
		contexts[i] = new_context(8);
	/* Most of the descriptors are the program's. */
	for (int i = 0; i < DESCRIPTORS / 2; i++)
		taken[i] = (int)MUST(dup(fd));
	for (int i = 0; i < CONTEXTS; i++) {
		io_prep_pread(&iocb, fd, block, 4096, 4096 * (i % 100));
		CHECK_EQ(run_one(contexts[i], &iocb), 4096);
		CHECK_EQ(block[0], 'a' + i % 100 % 26);
	}
	/* The kernel takes its time to end one of its own. */
	for (int i = 0; i < CONTEXTS; i += 25)
		CHECK_EQ(io_destroy(contexts[i]), 0);
	for (int i = 0; i < DESCRIPTORS / 2; i++)
		close(taken[i]);
}

/* What io_uring_setup answers in the kernel. */
static int answer_for_a_ring(void)
{
	char params[120] = { 0 };
	long fd = syscall(SYS_io_uring_setup, 4096, params);

	if (fd >= 0)
		close((int)fd);
	return fd < 0 ? -errno : 0;
}

static void no_locked_memory(void)
{
	struct rlimit none = { 0, 0 };
	int fd = new_file(0);
	struct iocb iocb;

	MUST(setrlimit(RLIMIT_MEMLOCK, &none));
	if (getuid() == 0)
		MUST(setresuid(USER, USER, USER));
	if (answer_for_a_ring() != -ENOMEM)
		SKIP("the kernel counts no memory of rings, or has none");
	for (int nr = 1; nr <= 4096; nr *= 16) {
		io_context_t ctx = new_context(nr);

		io_prep_pread(&iocb, fd, block, 4096, 0);
		CHECK_EQ(run_one(ctx, &iocb), 4096);
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

TEST_PARTS(PART(many_contexts), PART(no_locked_memory))

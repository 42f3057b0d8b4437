/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registrations with a subject of their own: personality, workers, NAPI, clock, waiting as I/O, messages. */
#include "rings.h"
#include "forbid.h"
#include <sys/resource.h>
#include <sched.h>

static void personality(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	int id = ERRNO_KEPT(io_uring_register_personality(&ring));

	CHECK_OP(id, >, 0);
	sqe = nop(&ring, 1);
	sqe->personality = (__u16)id;
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_personality(&ring, id)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_personality(&ring, id)), -EINVAL);
	sqe = nop(&ring, 2);
	sqe->personality = (__u16)id;
	submit(&ring, 1);
	REAP(&ring, 2, -EINVAL);
	io_uring_queue_exit(&ring);
}

static int open_as(struct io_uring *ring, const char *path, int id, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_openat(sqe, AT_FDCWD, path, O_RDONLY, 0);
	io_uring_sqe_set_flags(sqe, flags);
	sqe->personality = (__u16)id;
	/* Who waits for it has no part in its rights. */
	CHECK_EQ(io_uring_submit_and_wait(ring, 1), 1);
	return reap_any(ring).res;
}

/* What somebody else may open, done for one who may not. */
static void the_rights_of_a_personality(void)
{
	struct io_uring ring;
	char path[] = "/tmp/ctest-personality-XXXXXX";

	if (geteuid() != 0)
		SKIP("only root can become somebody else");
	close((int)MUST(mkstemp(path)));
	ring_init(&ring, 8, 0);
	int root = (int)MUST(io_uring_register_personality(&ring));

	MUST(seteuid(65534));
	int nobody = (int)MUST(io_uring_register_personality(&ring));

	for (unsigned flags = 0; flags <= IOSQE_ASYNC; flags += IOSQE_ASYNC) {
		CHECK_EQ(open_as(&ring, path, 0, flags), -EACCES);
		CHECK_EQ(open_as(&ring, path, nobody, flags), -EACCES);
		CHECK_OP(open_as(&ring, path, root, flags), >=, 0);
		CHECK_EQ(geteuid(), 65534);
	}
	MUST(seteuid(0));
	for (unsigned flags = 0; flags <= IOSQE_ASYNC; flags += IOSQE_ASYNC) {
		CHECK_OP(open_as(&ring, path, 0, flags), >=, 0);
		CHECK_EQ(open_as(&ring, path, nobody, flags), -EACCES);
		CHECK_EQ(geteuid(), 0);
	}
	unlink(path);
	io_uring_queue_exit(&ring);
}

/* The values handed in become the limits, the former ones come back; zero only asks. */
static void worker_limits(void)
{
	struct io_uring ring;
	unsigned values[2] = { 3, 5 };

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_iowq_max_workers(&ring, values)), 0);
	CHECK_OP(values[IO_WQ_BOUND], >, 0);
	CHECK_OP(values[IO_WQ_UNBOUND], >, 0);
	values[0] = values[1] = 0;
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	CHECK_EQ(values[IO_WQ_BOUND], 3);
	CHECK_EQ(values[IO_WQ_UNBOUND], 5);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_iowq_max_workers(&ring, NULL)), -EINVAL);
	io_uring_queue_exit(&ring);
}

static void worker_affinity(void)
{
	struct io_uring ring;
	cpu_set_t set;

	ring_init(&ring, 8, 0);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_iowq_aff(&ring, sizeof(set), &set)), 0);
	io_uring_sqe_set_flags(nop(&ring, 1), IOSQE_ASYNC);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_iowq_aff(&ring)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_iowq_aff(&ring, 0, NULL)), -EINVAL);
	/* a size that the kernel's 32 bits would cut off */
	CHECK_EQ(ERRNO_KEPT(io_uring_register_iowq_aff(&ring, (size_t)1 << 31, &set)), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Not every kernel has busy polling: the library passes on what the bare call answers. */
static void napi(void)
{
	struct io_uring ring, bare;
	struct io_uring_napi old = { .busy_poll_to = 50 }, truth = { .busy_poll_to = 50 };

	ring_init(&ring, 8, 0);
	ring_init(&bare, 8, 0);
	long expected = bare_register(&bare, bare.ring_fd, IORING_REGISTER_NAPI, &truth, 1);

	CHECK_EQ(ERRNO_KEPT(io_uring_register_napi(&ring, &old)), expected);
	CHECK_EQ(memcmp(&old, &truth, sizeof(old)), 0);
	if (expected == 0) {
		memset(&old, 0, sizeof(old));
		CHECK_EQ(ERRNO_KEPT(io_uring_unregister_napi(&ring, &old)), 0);
		CHECK_EQ(old.busy_poll_to, 50);
	}
	CHECK_EQ(ERRNO_KEPT(io_uring_register_napi(&ring, NULL)), -EINVAL);
	io_uring_queue_exit(&ring);
	io_uring_queue_exit(&bare);
}

static void the_clock_of_waits(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms_to_ts(20);
	struct io_uring_clock_register boottime = { .clockid = CLOCK_BOOTTIME };
	struct io_uring_clock_register unfit = { .clockid = CLOCK_PROCESS_CPUTIME_ID };

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_clock(&ring, &unfit)), -EINVAL);
	int ret = ERRNO_KEPT(io_uring_register_clock(&ring, &boottime));

	if (ret == -EINVAL)
		SKIP("this kernel has no IORING_REGISTER_CLOCK");
	CHECK_EQ(ret, 0);
	long long start = now_ms();

	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK_OP(now_ms() - start, >=, 19);
	io_uring_queue_exit(&ring);
}

static void waiting_that_is_no_io_wait(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	unsigned features = ring.features;

	ring.features &= ~IORING_FEAT_NO_IOWAIT;
	CHECK_EQ(ERRNO_KEPT(io_uring_set_iowait(&ring, false)), -EOPNOTSUPP);
	ring.features = features;
	if (!(features & IORING_FEAT_NO_IOWAIT))
		SKIP("this kernel has no IORING_FEAT_NO_IOWAIT");
	CHECK_EQ(ERRNO_KEPT(io_uring_set_iowait(&ring, false)), 0);
	delayed(&ring, 10, 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	REAP(&ring, 1, 8);
	CHECK_EQ(ERRNO_KEPT(io_uring_set_iowait(&ring, true)), 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* A message to a ring from a thread that has none. */
static void a_message_without_a_ring(void)
{
	struct io_uring ring;
	struct io_uring_sqe sqe = { 0 };
	struct io_uring_cqe *cqe = NULL;

	ring_init(&ring, 8, 0);
	io_uring_prep_msg_ring(&sqe, ring.ring_fd, 77, 0xabcdef, 0);
	int ret = ERRNO_KEPT(io_uring_register_sync_msg(&sqe));

	if (ret == -EINVAL || ret == -EBADF)
		SKIP("this kernel has no IORING_REGISTER_SEND_MSG_RING");
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 0xabcdef);
	CHECK_EQ(cqe->res, 77);
	io_uring_cqe_seen(&ring, cqe);
	sqe.fd = -1;
	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_msg(&sqe)), -EBADF);
	io_uring_prep_nop(&sqe);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_msg(&sqe)), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Newer than some kernels: whatever the bare call says is the answer, and a bad argument is no crash. */
static void answers_of_the_kernel_pass_through(void)
{
	struct io_uring ring;
	struct io_uring_zcrx_ifq_reg ifq = { 0 };
	struct zcrx_ctrl ctrl = { 0 };
	struct io_uring_bpf bpf = { .cmd_type = 0xffff };

	ring_init(&ring, 8, 0);
	long ret = bare_register(&ring, ring.ring_fd, IORING_REGISTER_ZCRX_IFQ, &ifq, 1);

	CHECK_OP(ret, <, 0);
	CHECK_EQ(io_uring_register_ifq(&ring, &ifq), ret);
	ret = bare_register(&ring, ring.ring_fd, IORING_REGISTER_ZCRX_CTRL, &ctrl, 0);
	CHECK_OP(ret, <, 0);
	CHECK_EQ(io_uring_register_zcrx_ctrl(&ring, &ctrl), ret);
	ret = bare_register(&ring, ring.ring_fd, IORING_REGISTER_BPF_FILTER, &bpf, 1);
	CHECK_OP(ret, <, 0);
	CHECK_EQ(io_uring_register_bpf_filter(&ring, &bpf), ret);
	ret = bare_register(&ring, -1, IORING_REGISTER_BPF_FILTER, &bpf, 1);
	CHECK_OP(ret, <, 0);
	CHECK_EQ(io_uring_register_bpf_filter_task(&bpf), ret);
	io_uring_queue_exit(&ring);
}

static void memory_locked_by_a_ring(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };

	ring_init(&ring, 2, 0);
	if (!(ring.features & IORING_FEAT_NATIVE_WORKERS))
		SKIP("this kernel charges ring memory to RLIMIT_MEMLOCK");
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(256, 0)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size_params(256, &p)), 0);
	io_uring_queue_exit(&ring);
}

/* Where no ring can be made, as without the memory that is asked about, the answer is that of a kernel that locks it. */
static void memory_locked_where_there_is_no_ring(void)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 64 };

	setenv("ANYRING_BACKING", "kernel", 1);
	forbid(SYS_io_uring_setup, EPERM);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(32, 0)), 8192);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(256, 0)), 32768);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(4096, IORING_SETUP_SQPOLL)), 524288);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(500, IORING_SETUP_SQE128)), 98304);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(500, IORING_SETUP_CQE32)), 98304);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(65536, IORING_SETUP_CLAMP)), 4194304);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size_params(16, &p)), 8192);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(0, 0)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(65536, 0)), -EINVAL);
	p.cq_entries = 8;
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size_params(16, &p)), -EINVAL);
}

/* As MariaDB asks: a user who may lock none. */
static void memory_locked_by_who_may_lock_none(void)
{
	struct rlimit none = { 0, 0 };
	struct io_uring ring;

	if (geteuid())
		SKIP("another user can only root become");
	setenv("ANYRING_BACKING", "kernel", 1);
	MUST(setrlimit(RLIMIT_MEMLOCK, &none));
	MUST(setresuid(65534, 65534, 65534));
	int ret = io_uring_queue_init(32, &ring, 0);

	if (ret != -ENOMEM)
		SKIP("here it takes no locked memory to have a ring");
	CHECK_EQ(ERRNO_KEPT(io_uring_mlock_size(32, 0)), 8192);
}

TEST_PARTS(
	PART(personality),
	PART(the_rights_of_a_personality),
	PART(worker_limits),
	PART(worker_affinity),
	PART(napi),
	PART(the_clock_of_waits),
	PART(waiting_that_is_no_io_wait),
	PART(a_message_without_a_ring),
	PART(answers_of_the_kernel_pass_through),
	PART(memory_locked_by_a_ring),
	PART(memory_locked_where_there_is_no_ring),
	PART(memory_locked_by_who_may_lock_none),
)

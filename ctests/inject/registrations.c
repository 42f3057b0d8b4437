/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Everything that can be registered with a ring. */
#include "inject.h"
#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>

enum { ENTRIES = 8, BLOCK = 4096 };

static void eventfds(void)
{
	struct io_uring ring;
	int fd = (int)MUST(eventfd(0, EFD_NONBLOCK));
	uint64_t count;

	if (open_ring(&ring, ENTRIES, 0)) {
		if (RIGHT(io_uring_register_eventfd(&ring, fd), 0)) {
			OP(&ring, 0, io_uring_prep_nop(sqe));
			HOLDS(read(fd, &count, sizeof(count)) == sizeof(count) || has_failed());
			RIGHT(AGAIN(io_uring_unregister_eventfd(&ring)), 0);
		}
		if (RIGHT(io_uring_register_eventfd_async(&ring, fd), 0))
			RIGHT(AGAIN(io_uring_unregister_eventfd(&ring)), 0);
		io_uring_queue_exit(&ring);
	}
	close(fd);
}

static void files(void)
{
	struct io_uring ring;
	int fds[4] = { 0, -1, 1, -1 }, fd = 2;
	__u64 tags[4] = { 1, 0, 3, 0 };

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	if (RIGHT(io_uring_register_files_sparse(&ring, 4), 0)) {
		RIGHT(io_uring_register_files_update(&ring, 0, &fd, 1), 1);
		RIGHT(io_uring_register_file_alloc_range(&ring, 1, 2), 0);
		RIGHT(AGAIN(io_uring_unregister_files(&ring)), 0);
	}
	if (RIGHT(io_uring_register_files_tags(&ring, fds, tags, 4), 0)) {
		int ret = io_uring_register_files_update_tag(&ring, 0, &fd, tags, 1);

		/* The file that was there is gone, which a CQE says. */
		if (RIGHT(ret, 1))
			HOLDS(take_cqe(&ring).user_data == 1);
		RIGHT(AGAIN(io_uring_unregister_files(&ring)), 0);
	}
	io_uring_queue_exit(&ring);
}

static void buffers(void)
{
	struct io_uring ring, other;
	char *memory = pages(2 * BLOCK);
	struct iovec both[2] = { { memory, BLOCK }, { memory + BLOCK, BLOCK } };
	__u64 tags[2] = { 7, 0 };

	if (open_ring(&ring, ENTRIES, 0)) {
		if (RIGHT(io_uring_register_buffers_sparse(&ring, 4), 0)) {
			RIGHT(io_uring_register_buffers_update_tag(&ring, 1, both, tags, 1), 1);
			RIGHT(AGAIN(io_uring_unregister_buffers(&ring)), 0);
		}
		if (RIGHT(io_uring_register_buffers_tags(&ring, both, tags, 2), 0) && open_ring(&other, ENTRIES, 0)) {
			RIGHT(io_uring_clone_buffers(&other, &ring), 0);
			io_uring_queue_exit(&other);
		}
		io_uring_queue_exit(&ring);
	}
	munmap(memory, 2 * BLOCK);
}

static void ring_fds(void)
{
	struct io_uring ring;

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	if (RIGHT(io_uring_register_ring_fd(&ring), 1)) {
		OP(&ring, 0, io_uring_prep_nop(sqe));
		RIGHT(AGAIN(io_uring_unregister_ring_fd(&ring)), 1);
	}
	if (RIGHT(io_uring_register_ring_fd(&ring), 1) && RIGHT(io_uring_close_ring_fd(&ring), 1))
		OP(&ring, 0, io_uring_prep_nop(sqe));
	io_uring_queue_exit(&ring);
}

static void resizes(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .sq_entries = 64, .cq_entries = 128 };

	if (!open_ring(&ring, ENTRIES, IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER))
		return;
	for (int i = 0; i < 3; i++)
		io_uring_prep_nop(new_sqe(&ring));
	submit_all(&ring);
	/* A ring that the server has resized, but that cannot be mapped anew, is of no use but to be closed. */
	if (RIGHT(io_uring_resize_rings(&ring, &p), 0)) {
		for (int i = 0; i < 3; i++)
			HOLDS(take_cqe(&ring).res == 0);
		OP(&ring, 0, io_uring_prep_nop(sqe));
	}
	io_uring_queue_exit(&ring);
}

static void personalities(void)
{
	struct io_uring ring;
	int id;

	close((int)MUST(open("owned", O_RDWR | O_CREAT, 0600)));
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	id = io_uring_register_personality(&ring);
	if (RIGHT(id, ANY)) {
		int fd = OP(&ring, ANY, (io_uring_prep_openat(sqe, AT_FDCWD, "owned", O_RDONLY, 0),
					 sqe->personality = (__u16)id));

		if (fd >= 0)
			close(fd);
		RIGHT(AGAIN(io_uring_unregister_personality(&ring, id)), 0);
	}
	io_uring_queue_exit(&ring);
}

static void workers(void)
{
	struct io_uring ring;
	unsigned values[2] = { 1, 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	MUST(sched_getaffinity(0, sizeof(cpus), &cpus));
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	RIGHT(io_uring_register_iowq_max_workers(&ring, values), 0);
	if (RIGHT(io_uring_register_iowq_aff(&ring, sizeof(cpus), &cpus), 0)) {
		OP(&ring, 0, (io_uring_prep_nop(sqe), sqe->flags |= IOSQE_ASYNC));
		RIGHT(AGAIN(io_uring_unregister_iowq_aff(&ring)), 0);
	}
	io_uring_queue_exit(&ring);
}

static void questions(void)
{
	struct io_uring ring;
	struct io_uring_probe *probe = io_uring_get_probe();
	struct io_uring_query_opcode about = { 0 };
	struct io_uring_query_hdr query = { .query_data = (uintptr_t)&about, .size = sizeof(about) };

	HOLDS(probe || has_failed());
	if (probe)
		io_uring_free_probe(probe);
	RIGHT(io_uring_register_query(&query), 0);
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	probe = io_uring_get_probe_ring(&ring);
	HOLDS(probe || has_failed());
	if (probe)
		io_uring_free_probe(probe);
	io_uring_queue_exit(&ring);
}

static void clocks_and_regions(void)
{
	struct io_uring ring;
	struct io_uring_clock_register clock = { .clockid = CLOCK_BOOTTIME };
	char *memory = pages(BLOCK);
	struct io_uring_region_desc region = { .user_addr = (uintptr_t)memory, .size = BLOCK,
					       .flags = IORING_MEM_REGION_TYPE_USER };
	struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)&region,
					       .flags = IORING_MEM_REGION_REG_WAIT_ARG };
	struct io_uring_reg_wait *wait = (void *)memory;
	struct io_uring_cqe *cqe;

	wait->ts.tv_nsec = 1000000;
	wait->flags = IORING_REG_WAIT_TS;
	if (open_ring(&ring, ENTRIES, IORING_SETUP_R_DISABLED)) {
		bool has_region = RIGHT(io_uring_register_region(&ring, &reg), 0);

		if (AGAIN(io_uring_enable_rings(&ring)) == 0) {
			RIGHT(io_uring_register_clock(&ring, &clock), 0);
			if (has_region)
				RIGHT(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -ETIME);
		}
		io_uring_queue_exit(&ring);
	}
	munmap(memory, BLOCK);
}

static void buffer_rings(void)
{
	struct io_uring ring;
	uint16_t head = 0;

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	for (int group = 1; group < 3; group++) {
		int ret = 0;
		struct io_uring_buf_ring *made = io_uring_setup_buf_ring(&ring, 4, group, 0, &ret);

		if (!RIGHT(ret, 0) || !made)
			continue;
		RIGHT(io_uring_buf_ring_head(&ring, group, &head), 0);
		RIGHT(AGAIN(io_uring_free_buf_ring(&ring, made, 4, group)), 0);
	}
	io_uring_queue_exit(&ring);
}

static void sync_calls(void)
{
	struct io_uring ring;
	struct io_uring_sync_cancel_reg cancel = { .addr = 42, .fd = -1, .timeout = { -1, -1 } };
	struct io_uring_sqe message = { 0 };
	int pipes[2];
	char byte;

	MUST(pipe(pipes));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_sqe *sqe = new_sqe(&ring);

		io_uring_prep_read(sqe, pipes[0], &byte, 1, 0);
		sqe->user_data = 42;
		submit_all(&ring);
		int ret = io_uring_register_sync_cancel(&ring, &cancel);

		HOLDS(ret == 0 || has_failed());
		if (ret == 0)
			HOLDS(take_cqe(&ring).res < 0);
		io_uring_prep_msg_ring(&message, ring.ring_fd, 7, 43, 0);
		ret = io_uring_register_sync_msg(&message);
		if (RIGHT(ret, 0))
			RIGHT(take_cqe(&ring).res, 7);
		io_uring_queue_exit(&ring);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* Registrations that want hardware or are for some kernels only: an answer, whatever it is. */
static void refusals(void)
{
	struct io_uring ring;
	struct io_uring_napi napi = { 0 };
	struct io_uring_zcrx_ifq_reg queue = { 0 };
	struct zcrx_ctrl control = { 0 };
	struct io_uring_bpf filter = { 0 };

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	io_uring_register_napi(&ring, &napi);
	io_uring_unregister_napi(&ring, &napi);
	HOLDS(io_uring_register_ifq(&ring, &queue) < 0);
	HOLDS(io_uring_register_zcrx_ctrl(&ring, &control) < 0);
	HOLDS(io_uring_register_bpf_filter(&ring, &filter) < 0);
	struct io_uring_sqe *sqe = new_sqe(&ring);

	io_uring_prep_rw(IORING_OP_RECV_ZC, sqe, 0, NULL, 0, 0);
	HOLDS(run_one(&ring) < 0);
	OP(&ring, 0, io_uring_prep_nop(sqe));
	io_uring_queue_exit(&ring);
}

const struct scenario register_scenarios[] = {
	SCENARIO(eventfds), SCENARIO(files), SCENARIO(buffers), SCENARIO(ring_fds), SCENARIO(resizes),
	SCENARIO(personalities), SCENARIO(workers), SCENARIO(questions), SCENARIO(clocks_and_regions),
	SCENARIO(buffer_rings), SCENARIO(sync_calls), SCENARIO(refusals), SCENARIOS_END,
};

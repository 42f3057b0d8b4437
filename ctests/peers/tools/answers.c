/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What liburing answers in situations that every release since 2.3 knows, one line each: for the system's library and
 * for ours to be compared. Prints neither addresses nor descriptors nor times.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *situation;

/* One line: what was done, the answer, and whether errno was left alone. */
static void says(const char *what, long long answer)
{
	printf("%s: %s = %lld%s\n", situation, what, answer, errno == 4444 ? "" : " (errno touched)");
	errno = 4444;
}

#define SAYS(call) says(#call, (long long)(call))

static void show(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;

	printf("%s: sq ready %u, space %u; cq ready %u, overflow %d\n", situation, io_uring_sq_ready(ring),
	       io_uring_sq_space_left(ring), io_uring_cq_ready(ring), io_uring_cq_has_overflow(ring));
	io_uring_for_each_cqe(ring, head, cqe) {
		printf("%s: cqe %llu %d %x\n", situation, (unsigned long long)cqe->user_data, cqe->res, cqe->flags);
		if (++seen == 70)
			break;
	}
}

static void drop(struct io_uring *ring)
{
	io_uring_cq_advance(ring, io_uring_cq_ready(ring));
}

static struct io_uring_sqe *nop(struct io_uring *ring, unsigned int tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (sqe) {
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, tag);
	}
	return sqe;
}

static bool begin(const char *name, struct io_uring *ring, unsigned int entries, unsigned int flags)
{
	situation = name;
	errno = 4444;
	int ret = io_uring_queue_init(entries, ring, flags);

	says("queue_init", ret);
	return ret == 0;
}

static void setup_sizes(void)
{
	static const unsigned int entries[] = { 0, 1, 2, 3, 5, 8, 100, 4096, 32768, 32769, 65536, ~0u };
	static const unsigned int flags[] = { 0, IORING_SETUP_CLAMP, IORING_SETUP_CQSIZE, IORING_SETUP_SQE128, IORING_SETUP_CQE32,
		IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, IORING_SETUP_IOPOLL, IORING_SETUP_SQPOLL,
		IORING_SETUP_SQ_AFF, IORING_SETUP_R_DISABLED, IORING_SETUP_ATTACH_WQ, IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, IORING_SETUP_SUBMIT_ALL, 1u << 31 };

	situation = "setup";
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
			struct io_uring_params p = { .flags = flags[f], .cq_entries = 70, .wq_fd = 0 };
			struct io_uring ring;

			errno = 4444;
			int ret = io_uring_queue_init_params(entries[i], &ring, &p);

			printf("setup of %u, flags %x: %d%s\n", entries[i], flags[f], ret, errno == 4444 ? "" : " (errno touched)");
			if (ret)
				continue;
			printf("  sq %u cq %u flags %x features %x wq %u; ring: flags %x features %x same fd %d sqe %u %u arrays %d\n",
			       p.sq_entries, p.cq_entries, p.flags & ~(1u << 16), p.features, p.wq_fd, ring.flags & ~(1u << 16),
			       ring.features, ring.enter_ring_fd == ring.ring_fd, ring.sq.sqe_head, ring.sq.sqe_tail,
			       ring.sq.sqes != NULL);
			printf("  space %u ready %u cq %u; mask %x %x entries %u %u\n", io_uring_sq_space_left(&ring), io_uring_sq_ready(&ring),
			       io_uring_cq_ready(&ring), *ring.sq.kring_mask, *ring.cq.kring_mask, *ring.sq.kring_entries,
			       *ring.cq.kring_entries);
			io_uring_queue_exit(&ring);
		}
	}
}

/* Each form of waiting, with nothing, with SQEs to submit and with CQEs that are there. */
static void waits(const char *name, unsigned int flags)
{
	struct __kernel_timespec none = { 0, 0 }, little = { 0, 20000000 }, bad = { -1, 0 }, worse = { 0, -5 };
	struct io_uring_cqe *cqe, *batch[8];
	struct io_uring ring;
	sigset_t empty;

	sigemptyset(&empty);
	if (!begin(name, &ring, 4, flags))
		return;
	SAYS(io_uring_submit(&ring));
	SAYS(io_uring_submit_and_wait(&ring, 0));
	SAYS(io_uring_peek_cqe(&ring, &cqe));
	SAYS(io_uring_wait_cqe_nr(&ring, &cqe, 0));
	SAYS(cqe == NULL);
	SAYS(io_uring_peek_batch_cqe(&ring, batch, 8));
	SAYS(io_uring_wait_cqe_timeout(&ring, &cqe, &none));
	SAYS(io_uring_wait_cqe_timeout(&ring, &cqe, &little));
	SAYS(cqe == NULL);
	SAYS(io_uring_wait_cqe_timeout(&ring, &cqe, &bad));
	SAYS(io_uring_wait_cqe_timeout(&ring, &cqe, &worse));
	SAYS(io_uring_wait_cqes(&ring, &cqe, 3, &little, NULL));
	SAYS(io_uring_wait_cqes(&ring, &cqe, 0, &little, NULL));
	SAYS(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &little, NULL));
	SAYS(io_uring_submit_and_wait_timeout(&ring, &cqe, 0, &little, NULL));
	SAYS(io_uring_get_events(&ring));
	SAYS(io_uring_submit_and_get_events(&ring));
	show(&ring);
	nop(&ring, 1);
	SAYS(io_uring_submit_and_wait_timeout(&ring, &cqe, 3, &little, &empty));
	SAYS(cqe ? (long)cqe->user_data : -1);
	show(&ring);
	nop(&ring, 2);
	nop(&ring, 3);
	SAYS(io_uring_submit_and_wait_timeout(&ring, &cqe, 2, NULL, NULL));
	show(&ring);
	SAYS(io_uring_wait_cqes(&ring, &cqe, 2, &none, &empty));
	SAYS(io_uring_wait_cqes(&ring, &cqe, 7, &none, NULL));
	SAYS(cqe ? (long)cqe->user_data : -1);
	SAYS(io_uring_peek_batch_cqe(&ring, batch, 2));
	SAYS(io_uring_peek_batch_cqe(&ring, batch, 8));
	SAYS(batch[2]->user_data);
	io_uring_cqe_seen(&ring, batch[0]);
	io_uring_cqe_seen(&ring, NULL);
	show(&ring);
	drop(&ring);
	nop(&ring, 4);
	SAYS(io_uring_submit_and_wait(&ring, 1));
	SAYS(io_uring_wait_cqe(&ring, &cqe));
	SAYS(io_uring_wait_cqe_nr(&ring, &cqe, 1));
	drop(&ring);
	for (int i = 0; i < 6; i++)
		SAYS(nop(&ring, 10 + (unsigned int)i) != NULL);
	show(&ring);
	SAYS(io_uring_wait_cqe_timeout(&ring, &cqe, &little));
	SAYS(io_uring_submit(&ring));
	SAYS(io_uring_wait_cqe_nr(&ring, &cqe, 4));
	show(&ring);
	drop(&ring);
	io_uring_queue_exit(&ring);
}

/* More CQEs than there is room for. */
static void overflows(const char *name, unsigned int flags)
{
	struct io_uring_cqe *cqe, *batch[32];
	struct io_uring ring;

	if (!begin(name, &ring, 4, flags))
		return;
	for (unsigned int i = 0; i < 5; i++) {
		for (unsigned int n = 0; n < 4; n++)
			nop(&ring, i * 4 + n);
		SAYS(io_uring_submit(&ring));
	}
	show(&ring);
	SAYS(io_uring_get_events(&ring));
	show(&ring);
	SAYS(io_uring_peek_batch_cqe(&ring, batch, 32));
	drop(&ring);
	SAYS(io_uring_peek_cqe(&ring, &cqe));
	SAYS(io_uring_peek_batch_cqe(&ring, batch, 32));
	show(&ring);
	drop(&ring);
	SAYS(io_uring_wait_cqe(&ring, &cqe));
	SAYS(io_uring_wait_cqe_nr(&ring, &cqe, 3));
	show(&ring);
	io_uring_queue_exit(&ring);
}

static void closed(void)
{
	struct __kernel_timespec none = { 0, 0 };
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	if (!begin("closed", &ring, 4, 0))
		return;
	nop(&ring, 1);
	close(ring.ring_fd);
	SAYS(io_uring_submit(&ring));
	show(&ring);
	SAYS(io_uring_submit_and_wait(&ring, 1));
	SAYS(io_uring_peek_cqe(&ring, &cqe));
	SAYS(io_uring_wait_cqe_timeout(&ring, &cqe, &none));
	SAYS(io_uring_get_events(&ring));
	SAYS(io_uring_register_files_sparse(&ring, 3));
	SAYS(io_uring_unregister_files(&ring));
	SAYS(io_uring_register_ring_fd(&ring));
	SAYS(io_uring_get_probe_ring(&ring) == NULL);
	io_uring_queue_exit(&ring);
}

static void registers(void)
{
	int fds[3] = { 0, -1, 1 }, event = eventfd(0, 0), ret;
	unsigned int limits[2] = { 0, 0 };
	__u64 tags[3] = { 0, 0, 0 };
	char memory[2][64];
	struct iovec iovecs[3] = { { memory[0], 64 }, { NULL, 0 }, { memory[1], 0 } };
	struct io_uring_buf_reg buffers = { .ring_entries = 8, .bgid = 3 };
	struct io_uring_sync_cancel_reg cancel = { .addr = 77, .fd = -1, .timeout = { -1, -1 } };
	cpu_set_t cpus;
	struct io_uring ring;

	if (!begin("register", &ring, 4, 0))
		return;
	SAYS(io_uring_unregister_files(&ring));
	SAYS(io_uring_register_files_update(&ring, 0, fds, 1));
	SAYS(io_uring_register_files(&ring, fds, 0));
	SAYS(io_uring_register_files(&ring, NULL, 3));
	SAYS(io_uring_register_files(&ring, fds, 3));
	SAYS(io_uring_register_files(&ring, fds, 3));
	SAYS(io_uring_register_files_sparse(&ring, 3));
	SAYS(io_uring_register_files_tags(&ring, fds, tags, 3));
	SAYS(io_uring_register_files_update(&ring, 0, fds, 3));
	SAYS(io_uring_register_files_update(&ring, 2, fds, 3));
	SAYS(io_uring_register_files_update(&ring, 1, fds, 0));
	SAYS(io_uring_register_files_update_tag(&ring, 1, fds, tags, 2));
	SAYS(io_uring_register_file_alloc_range(&ring, 0, 2));
	SAYS(io_uring_register_file_alloc_range(&ring, 2, 2));
	SAYS(io_uring_unregister_files(&ring));
	SAYS(io_uring_unregister_files(&ring));
	SAYS(io_uring_register_file_alloc_range(&ring, 0, 1));
	fds[1] = 4000;
	SAYS(io_uring_register_files(&ring, fds, 3));
	SAYS(io_uring_register_files_sparse(&ring, 0));
	SAYS(io_uring_register_files_sparse(&ring, 5));
	SAYS(io_uring_unregister_buffers(&ring));
	SAYS(io_uring_register_buffers(&ring, iovecs, 0));
	SAYS(io_uring_register_buffers(&ring, iovecs, 1));
	SAYS(io_uring_register_buffers(&ring, iovecs, 2));
	SAYS(io_uring_unregister_buffers(&ring));
	SAYS(io_uring_register_buffers(&ring, iovecs, 3));
	SAYS(io_uring_register_buffers_sparse(&ring, 4));
	SAYS(io_uring_register_buffers_update_tag(&ring, 1, iovecs, tags, 2));
	SAYS(io_uring_register_buffers_update_tag(&ring, 3, iovecs, tags, 2));
	SAYS(io_uring_unregister_buffers(&ring));
	SAYS(io_uring_register_buffers_tags(&ring, iovecs, tags, 2));
	SAYS(io_uring_unregister_eventfd(&ring));
	SAYS(io_uring_register_eventfd(&ring, 0));
	SAYS(io_uring_register_eventfd(&ring, -1));
	SAYS(io_uring_register_eventfd(&ring, event));
	SAYS(io_uring_register_eventfd_async(&ring, event));
	SAYS(io_uring_cq_eventfd_enabled(&ring));
	SAYS(io_uring_cq_eventfd_toggle(&ring, true));
	SAYS(io_uring_cq_eventfd_toggle(&ring, false));
	SAYS(io_uring_cq_eventfd_enabled(&ring));
	SAYS(io_uring_cq_eventfd_toggle(&ring, false));
	SAYS(io_uring_unregister_eventfd(&ring));
	SAYS(io_uring_register_eventfd_async(&ring, event));
	SAYS(io_uring_unregister_personality(&ring, 5));
	SAYS(ret = io_uring_register_personality(&ring));
	SAYS(io_uring_unregister_personality(&ring, ret));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	SAYS(io_uring_register_iowq_aff(&ring, sizeof(cpus), &cpus));
	SAYS(io_uring_register_iowq_aff(&ring, 0, &cpus));
	SAYS(io_uring_unregister_iowq_aff(&ring));
	SAYS(io_uring_register_iowq_max_workers(&ring, limits) < 0);
	limits[0] = 3;
	limits[1] = 5;
	SAYS(io_uring_register_iowq_max_workers(&ring, limits));
	limits[0] = limits[1] = 0;
	SAYS(io_uring_register_iowq_max_workers(&ring, limits));
	SAYS(limits[0]);
	SAYS(limits[1]);
	SAYS(io_uring_unregister_buf_ring(&ring, 3));
	SAYS(io_uring_register_buf_ring(&ring, &buffers, 0));
	void *pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	buffers.ring_addr = (unsigned long)pages;
	buffers.ring_entries = 7;
	SAYS(io_uring_register_buf_ring(&ring, &buffers, 0));
	buffers.ring_entries = 8;
	SAYS(io_uring_register_buf_ring(&ring, &buffers, 0));
	SAYS(io_uring_register_buf_ring(&ring, &buffers, 0));
	SAYS(io_uring_unregister_buf_ring(&ring, 3));
	SAYS(io_uring_register_sync_cancel(&ring, &cancel));
	cancel.flags = 1u << 20;
	SAYS(io_uring_register_sync_cancel(&ring, &cancel));
	io_uring_queue_exit(&ring);
}

static void registered_ring(void)
{
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int fd;

	if (!begin("registered ring", &ring, 4, 0))
		return;
	SAYS(io_uring_register_ring_fd(&ring));
	SAYS(ring.enter_ring_fd);
	fd = ring.ring_fd;
	SAYS(fcntl(fd, F_GETFD));
	nop(&ring, 1);
	SAYS(io_uring_submit_and_wait(&ring, 1));
	SAYS(io_uring_register_files_sparse(&ring, 2));
	SAYS(io_uring_unregister_ring_fd(&ring));
	SAYS(ring.enter_ring_fd == fd);
	SAYS(io_uring_wait_cqe(&ring, &cqe));
	SAYS(io_uring_register_ring_fd(&ring));
	SAYS(io_uring_get_events(&ring));
	show(&ring);
	io_uring_queue_exit(&ring);
	SAYS(fcntl(fd, F_GETFD));
	errno = 4444;
}

static void ignore(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	struct __kernel_timespec little = { 0, 20000000 };
	struct sigaction action = { .sa_handler = ignore };
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	sigset_t set, old;

	if (!begin("signals", &ring, 4, 0))
		return;
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	SAYS(io_uring_wait_cqes(&ring, &cqe, 1, NULL, &old));
	raise(SIGUSR1);
	SAYS(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, &old));
	nop(&ring, 1);
	raise(SIGUSR1);
	SAYS(io_uring_submit_and_wait_timeout(&ring, &cqe, 2, &little, &old));
	show(&ring);
	sigprocmask(SIG_SETMASK, &old, NULL);
	io_uring_queue_exit(&ring);
}

static void mapped_by_hand(void)
{
	struct io_uring_params p = { 0 };
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p);

	situation = "mapped by hand";
	errno = 4444;
	if (fd < 0)
		return;
	SAYS(io_uring_queue_mmap(fd, &p, &ring));
	SAYS(io_uring_ring_dontfork(&ring));
	SAYS(ring.ring_fd == fd);
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	SAYS(io_uring_submit(&ring));
	SAYS(io_uring_wait_cqe(&ring, &cqe));
	io_uring_queue_exit(&ring);
	memset(&ring, 0, sizeof(ring));
	SAYS(io_uring_ring_dontfork(&ring));
	SAYS(io_uring_queue_mmap(0, &p, &ring));
	SAYS(io_uring_queue_mmap(-1, &p, &ring));
}

static void probes(void)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	unsigned int mask = 0;

	situation = "probe";
	errno = 4444;
	SAYS(probe != NULL);
	for (int op = -1; probe && op < 300; op++)
		mask = mask * 31 + (unsigned int)io_uring_opcode_supported(probe, op);
	SAYS(mask);
	SAYS(probe ? probe->last_op : 0);
	SAYS(probe ? probe->ops_len : 0);
	io_uring_free_probe(probe);
	SAYS(io_uring_mlock_size(8, 0));
	SAYS(io_uring_mlock_size(0, 0));
}

/* What a multishot recvmsg fills, right and wrong. */
static void received(void)
{
	static union { struct io_uring_recvmsg_out out; struct cmsghdr align; unsigned char bytes[256]; } buf;
	struct msghdr msg = { .msg_namelen = 16, .msg_controllen = 64 };
	struct io_uring_recvmsg_out *out = &buf.out;

	situation = "recvmsg";
	errno = 4444;
	for (int len = -1; len < 120; len += 7)
		SAYS(io_uring_recvmsg_validate(&buf, len, &msg) != NULL);
	SAYS(io_uring_recvmsg_validate(&buf, 95, &msg) != NULL);
	SAYS(io_uring_recvmsg_validate(&buf, 96, &msg) != NULL);
	SAYS((unsigned char *)io_uring_recvmsg_name(out) - buf.bytes);
	SAYS((unsigned char *)io_uring_recvmsg_payload(out, &msg) - buf.bytes);
	SAYS(io_uring_recvmsg_payload_length(out, 120, &msg));
	for (unsigned int len = 0; len <= 64; len += 8) {
		out->controllen = len;
		struct cmsghdr *cmsg = io_uring_recvmsg_cmsg_firsthdr(out, &msg);

		SAYS(cmsg ? (unsigned char *)cmsg - buf.bytes : -1);
		for (int n = 0; cmsg && n < 5; n++) {
			cmsg->cmsg_len = 17 + 4 * (unsigned int)n;
			cmsg = io_uring_recvmsg_cmsg_nexthdr(out, &msg, cmsg);
			SAYS(cmsg ? (unsigned char *)cmsg - buf.bytes : -1);
		}
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	setup_sizes();
	waits("plain", 0);
	waits("deferred", IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER);
	waits("with flag", IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);
	waits("big entries", IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
	overflows("overflow", 0);
	overflows("overflow deferred", IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER);
	closed();
	registers();
	registered_ring();
	interrupted();
	mapped_by_hand();
	probes();
	received();
	return 0;
}

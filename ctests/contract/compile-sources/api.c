/* The API of liburing 2.15; `-include` puts other headers before ours, or after. */
#include <liburing.h>

#if !defined(LINUX_IO_URING_H)
#error "a later <linux/io_uring.h> would define everything again"
#endif

/* What older system headers lack, and what ours does not share with any. */
struct newer {
	struct io_uring_clone_buffers clone;
	struct io_uring_reg_wait wait;
	struct zcrx_ctrl ctrl;
	struct io_uring_query_hdr query;
	struct io_uring_bpf bpf;
	enum io_uring_op op;
	struct io_uring_task_restriction restriction;
};

int newer_names(struct io_uring *ring, struct io_uring_sqe *sqe, struct newer *n);
int newer_names(struct io_uring *ring, struct io_uring_sqe *sqe, struct newer *n)
{
	n->op = IORING_OP_URING_CMD128;
	n->clone.flags = IORING_REGISTER_DST_REPLACE;
	sqe->opcode = (__u8)IORING_OP_PIPE;
	sqe->optval = sqe->attr_ptr + sqe->addr3;
	sqe->cmd[0] = 0;
	if (IORING_REGISTER_LAST != 38 || IORING_SETUP_SQ_REWIND != 1U << 20)
		return -1;
	return io_uring_clone_buffers(ring, ring);
}

/* Macros, and inline functions that none of the others calls. */
unsigned int walk(struct io_uring *ring);
unsigned int walk(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;

	io_uring_for_each_cqe (ring, head, cqe)
		seen += io_uring_cqe_nr(cqe);
	if (uring_unlikely(seen == 0) || IO_URING_CHECK_VERSION(2, 16))
		return io_uring_cqe_index(ring, 1U, 3U);
	io_uring_cq_advance(ring, seen);
	IO_URING_WRITE_ONCE(head, IO_URING_READ_ONCE(seen));
	return head;
}

#ifdef MAIN
unsigned int walk_elsewhere(struct io_uring *ring);

/* Both units work on one ring: what they were compiled with must agree. */
int main(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int ret = io_uring_queue_init(4, &ring, 0);

	if (ret == -EPERM || ret == -ENOSYS)
		return 77;
	if (ret != 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		sqe = io_uring_get_sqe(&ring);
		if (sqe == NULL)
			return 1;
		io_uring_prep_nop(sqe);
		if (io_uring_submit_and_wait(&ring, 1) != 1)
			return 1;
		if ((i == 0 ? walk(&ring) : walk_elsewhere(&ring)) != 1)
			return 1;
	}
	io_uring_queue_exit(&ring);
	return 0;
}
#endif

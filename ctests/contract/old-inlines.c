/*
 * What programs that were compiled with the headers of liburing 2.0 to 2.2 read inline: the pointers
 * kring_mask and kring_entries, where later headers read copies. And io_uring_get_sqe, which they
 * take from the library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ENTRIES 8
#define ROUNDS 5
#define MEMORY (1 << 16)

#define CHECK_EQ(have, want)                                                    \
	do {                                                                    \
		long long have_ = (have), want_ = (want);                       \
		if (have_ != want_) {                                           \
			printf("%s:%d: %s is %lld, expected %lld\n", __FILE__,  \
			       __LINE__, #have, have_, want_);                  \
			exit(1);                                                \
		}                                                               \
	} while (0)

static struct io_uring_sqe *(*library_get_sqe)(struct io_uring *ring);

static void fields(struct io_uring *ring, const struct io_uring_params *params)
{
	CHECK_EQ(*ring->sq.kring_mask, params->sq_entries - 1);
	CHECK_EQ(*ring->sq.kring_entries, params->sq_entries);
	CHECK_EQ(*ring->cq.kring_mask, params->cq_entries - 1);
	CHECK_EQ(*ring->cq.kring_entries, params->cq_entries);
	CHECK_EQ(ring->sq.ring_mask, params->sq_entries - 1);
	CHECK_EQ(ring->sq.ring_entries, params->sq_entries);
	CHECK_EQ(ring->cq.ring_mask, params->cq_entries - 1);
	CHECK_EQ(ring->cq.ring_entries, params->cq_entries);
	CHECK_EQ(ring->features, params->features);
	CHECK_EQ(ring->flags, params->flags);
	CHECK_EQ(*ring->sq.khead, 0);
	CHECK_EQ(*ring->sq.kdropped, 0);
	CHECK_EQ(*ring->cq.koverflow, 0);
	CHECK_EQ(*ring->cq.kflags, 0);
}

/* peek_cqe as 2.0 to 2.2 have it, for CQEs of 16 bytes. */
static struct io_uring_cqe *old_peek(struct io_uring *ring)
{
	unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);
	unsigned head = *ring->cq.khead;

	return tail == head ? NULL : &ring->cq.cqes[head & *ring->cq.kring_mask];
}

static void use(struct io_uring *ring, const struct io_uring_params *params)
{
	unsigned data = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct io_uring_cqe *cqe;
		unsigned queued = 0;

		for (struct io_uring_sqe *sqe; (sqe = library_get_sqe(ring)) != NULL; queued++) {
			io_uring_prep_nop(sqe);
			sqe->user_data = data + queued;
		}
		CHECK_EQ(queued, *ring->sq.kring_entries);
		CHECK_EQ(io_uring_submit_and_wait(ring, queued), queued);
		for (unsigned i = 0; i < queued; i++) {
			cqe = old_peek(ring);
			if (!cqe)
				CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
			CHECK_EQ(cqe->user_data, data++);
			CHECK_EQ(cqe->res, 0);
			io_uring_smp_store_release(ring->cq.khead, *ring->cq.khead + 1);
		}
		CHECK_EQ(old_peek(ring) != NULL, 0);
	}
	CHECK_EQ(data, ROUNDS * params->sq_entries);
}

static void with_flags(unsigned flags)
{
	struct io_uring_params params = { .flags = flags };
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init_params(ENTRIES, &ring, &params), 0);
	fields(&ring, &params);
	use(&ring, &params);
	io_uring_queue_exit(&ring);
}

static void in_own_memory(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_NO_MMAP };
	void *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct io_uring ring;

	CHECK_EQ(memory == MAP_FAILED, 0);
	CHECK_EQ(io_uring_queue_init_mem(ENTRIES, &ring, &params, memory, MEMORY) > 0, 1);
	fields(&ring, &params);
	use(&ring, &params);
	io_uring_queue_exit(&ring);
	munmap(memory, MEMORY);
}

int main(void)
{
	library_get_sqe = (struct io_uring_sqe * (*)(struct io_uring *))
		dlsym(RTLD_DEFAULT, "io_uring_get_sqe");
	CHECK_EQ(library_get_sqe == NULL, 0);
	with_flags(0);
	with_flags(IORING_SETUP_NO_SQARRAY);
	with_flags(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	with_flags(IORING_SETUP_SQE128);
	in_own_memory();
	return 0;
}

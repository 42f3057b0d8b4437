/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs that reap from the memory behind a context by themselves. */
#include "aio.h"

struct aio_ring {
	unsigned id, nr;
	volatile unsigned head, tail;
	unsigned magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};

enum { MAGIC = (int)0xa10a10a1, REQUESTS = 64 };

static char buffers[REQUESTS][4096];
static struct iocb iocbs[REQUESTS];

static unsigned reap(struct aio_ring *ring, struct io_event *events, unsigned most)
{
	unsigned n = 0;

	while (n < most && ring->head != ring->tail) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		events[n++] = ring->events[ring->head];
		ring->head = (ring->head + 1) % ring->nr;
	}
	return n;
}

/* What looks for the magic number calls io_getevents instead: that is the faster way here. */
static void has_no_magic(void)
{
	io_context_t ctx = new_context(REQUESTS);
	struct aio_ring *ring = (void *)ctx;

	CHECK(ring->magic != (unsigned)MAGIC);
	CHECK_OP(ring->nr, >, REQUESTS);
	CHECK_EQ(ring->header_length, sizeof(*ring));
	CHECK_EQ(ring->incompat_features, 0);
	CHECK_EQ(ring->head, ring->tail);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* An eventfd says when to look, and io_getevents is never called: more rounds than the ring is long. */
static void eventfd_and_ring_only(void)
{
	int counter = (int)MUST(eventfd(0, 0)), fd = new_file(0);
	io_context_t ctx = new_context(REQUESTS);
	struct iocb *list[REQUESTS];
	struct io_event events[REQUESTS];

	for (int round = 0; round < 40; round++) {
		unsigned seen = 0;
		uint64_t all = 0, count;

		for (int i = 0; i < REQUESTS; i++) {
			io_prep_pread(&iocbs[i], fd, buffers[i], 4096, i * 4096L);
			iocbs[i].data = buffers[i];
			io_set_eventfd(&iocbs[i], counter);
			list[i] = &iocbs[i];
		}
		if (round % 4 == 0)
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		CHECK_EQ(io_submit(ctx, REQUESTS, list), REQUESTS);
		while (all < REQUESTS) {
			CHECK_EQ(read(counter, &count, sizeof(count)), sizeof(count));
			all += count;
			seen += reap((void *)ctx, events + seen, REQUESTS - seen);
			CHECK_OP(seen, >=, all);
		}
		CHECK_EQ(seen, REQUESTS);
		for (unsigned i = 0; i < seen; i++) {
			CHECK_EQ(events[i].res, 4096);
			CHECK(events[i].data == buffers[events[i].obj - iocbs]);
		}
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

/* No eventfd either: the program that looked before it submits finds what completes later. */
static void looking_again_and_again(void)
{
	io_context_t ctx = new_context(4);
	struct aio_ring *ring = (void *)ctx;
	struct io_event event;
	int ends[2];

	CHECK_EQ(ring->tail, 0);
	MUST(pipe(ends));
	io_prep_poll(&iocbs[0], ends[0], POLLIN);
	submit_one(ctx, &iocbs[0]);
	usleep(10000);
	CHECK_EQ(reap(ring, &event, 1), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	while (reap(ring, &event, 1) == 0)
		usleep(100);
	CHECK(event.obj == &iocbs[0]);
	CHECK(event.res & POLLIN);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* What nobody took from the ring comes by io_getevents, and first. */
static void ring_then_calls(void)
{
	int counter = (int)MUST(eventfd(0, 0)), fd = new_file(0);
	io_context_t ctx = new_context(4);
	struct io_event events[4];

	for (int i = 0; i < 4; i++) {
		io_prep_pread(&iocbs[i], fd, buffers[i], 4096, i * 4096L);
		io_set_eventfd(&iocbs[i], counter);
		submit_one(ctx, &iocbs[i]);
		CHECK_EQ(read(counter, &(uint64_t){ 0 }, 8), 8);
	}
	CHECK_EQ(reap((void *)ctx, events, 1), 1);
	CHECK(events[0].obj == &iocbs[0]);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), 1);
	CHECK(events[0].obj == &iocbs[1]);
	CHECK_EQ(reap((void *)ctx, events, 4), 2);
	CHECK(events[1].obj == &iocbs[3]);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* As many requests as the ring has room for; events that are not taken count. */
static void room_in_the_ring(void)
{
	io_context_t ctx = new_context(4);
	struct aio_ring *ring = (void *)ctx;
	struct io_event event;
	int fd = new_file(0);
	unsigned submitted = 0;
	struct iocb *list = &iocbs[0];

	io_prep_pread(&iocbs[0], fd, buffers[0], 512, 0);
	while (io_submit(ctx, 1, &list) == 1)
		submitted++;
	CHECK_EQ(io_submit(ctx, 1, &list), -EAGAIN);
	CHECK_EQ(submitted, ring->nr - 1);
	while (reap(ring, &event, 1) == 0)
		usleep(100);
	CHECK_EQ(io_submit(ctx, 1, &list), 1);
	CHECK_EQ(io_submit(ctx, 1, &list), -EAGAIN);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* What the program writes to the header spoils its own reaping, and nothing else. */
static void spoilt(void)
{
	static const unsigned heads[] = { 0, 1, 31, 1000, (unsigned)-1 }, tails[] = { 132, 1000, 1 << 20, (unsigned)-1 };
	struct timespec at_once = { 0, 0 };
	struct io_event events[4];
	int fd = new_file(0);

	for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
		for (size_t t = 0; t < sizeof(tails) / sizeof(tails[0]); t++) {
			io_context_t ctx = new_context(32);
			struct aio_ring *ring = (void *)ctx;
			struct iocb *list = &iocbs[0];

			ring->head = heads[h];
			ring->tail = tails[t];
			io_prep_pread(&iocbs[0], fd, buffers[0], 512, 0);
			for (int i = 0; i < 4; i++) {
				int submitted = io_submit(ctx, 1, &list);

				CHECK(submitted == 1 || submitted == -EAGAIN);
				CHECK_OP(io_getevents(ctx, 0, 4, events, &at_once), >=, 0);
			}
			CHECK_EQ(io_destroy(ctx), 0);
		}
}

static void moved(void)
{
	io_context_t ctx = new_context(4), before = ctx;
	struct aio_ring *ring = (void *)ctx;
	size_t len = sizeof(*ring) + ring->nr * sizeof(struct io_event);
	void *place = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_event event;
	int fd = new_file(0);

	CHECK(place != MAP_FAILED);
	CHECK(mremap(ring, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
	ctx = place;
	io_prep_pread(&iocbs[0], fd, buffers[0], 512, 0);
	CHECK_EQ(run_one(ctx, &iocbs[0]), 512);
	submit_one(ctx, &iocbs[0]);
	while (reap(place, &event, 1) == 0)
		usleep(100);
	CHECK_EQ(io_destroy(before), -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(io_destroy(ctx), -EINVAL);
}

/* A copy of a context's header is not the context. */
static void copied(void)
{
	io_context_t ctx = new_context(4);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(page, ctx, 4096);
	CHECK_EQ(io_submit(page, 0, NULL), -EINVAL);
	CHECK_EQ(io_destroy(page), -EINVAL);
	CHECK_EQ(io_submit(ctx, 0, NULL), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

TEST_PARTS(PART(has_no_magic), PART(eventfd_and_ring_only), PART(looking_again_and_again),
	   PART(ring_then_calls), PART(room_in_the_ring), PART(spoilt), PART(moved), PART(copied))

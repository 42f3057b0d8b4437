/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * random-ops FILE SEED COUNT direct|buffered
 *
 * Runs COUNT random requests on FILE, several at a time, and prints what became of each, in the order
 * of their making, and the file at the end. Requests in flight touch different regions of the file, so
 * that the same seed prints the same on any right implementation.
 */
#include "../aio.h"

enum { DEPTH = 24, REGIONS = 64, REGION = 16384, REGION_PAGES = REGION / 4096, VECTORS = 3 };

struct request {
	struct iocb iocb;
	struct iovec iov[VECTORS];
	char *buffer;
	int id, region, eventfd;
	bool reads;
};

static struct request requests[DEPTH];
static bool region_used[REGIONS];
static char **results;
/* One for what is requested, one for what may differ between runs: how much comes at a time. */
static uint64_t state, other_state;
static int file, full_pipe[2], counters[2], signals_due;

static unsigned next(uint64_t *from, unsigned n)
{
	*from = *from * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*from >> 33) % n;
}

static unsigned random_below(unsigned n)
{
	return next(&state, n);
}

static uint32_t checksum(const char *data, size_t len)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)data[i]) * 16777619u;
	return sum;
}

static int take_region(void)
{
	int region;

	do
		region = (int)random_below(REGIONS);
	while (region_used[region]);
	region_used[region] = true;
	return region;
}

/* Whole pages within the request's region: what O_DIRECT asks for. */
static void make_rw(struct request *r, int opcode)
{
	unsigned first = random_below(REGION_PAGES), pages = 1 + random_below(REGION_PAGES - first);
	long offset = (long)r->region * REGION + first * 4096L;

	r->reads = opcode == IO_CMD_PREAD || opcode == IO_CMD_PREADV;
	memset(r->buffer, 'A' + r->id % 26, REGION);
	switch (opcode) {
	case IO_CMD_PREAD:
		io_prep_pread(&r->iocb, file, r->buffer, pages * 4096, offset);
		return;
	case IO_CMD_PWRITE:
		io_prep_pwrite(&r->iocb, file, r->buffer, pages * 4096, offset);
		return;
	}
	int n = 1 + (int)random_below(VECTORS);

	for (int i = 0; i < n; i++)
		r->iov[i] = (struct iovec){ r->buffer + i * 4096, 4096 };
	if (first + (unsigned)n > REGION_PAGES)
		offset = (long)r->region * REGION;
	if (opcode == IO_CMD_PREADV)
		io_prep_preadv(&r->iocb, file, r->iov, n, offset);
	else
		io_prep_pwritev(&r->iocb, file, r->iov, n, offset);
}

static void make_good(struct request *r)
{
	static const int opcodes[] = { IO_CMD_PREAD, IO_CMD_PWRITE, IO_CMD_PREADV, IO_CMD_PWRITEV };
	unsigned kind = random_below(20);

	r->reads = false;
	r->region = take_region();
	if (kind < 17)
		make_rw(r, opcodes[kind % 4]);
	else if (kind == 17)
		io_prep_fsync(&r->iocb, file);
	else if (kind == 18)
		io_prep_fdsync(&r->iocb, file);
	else
		io_prep_poll(&r->iocb, full_pipe[0], POLLIN);
	r->eventfd = (int)random_below(3);
	if (r->eventfd < 2) {
		io_set_eventfd(&r->iocb, counters[r->eventfd]);
		signals_due++;
	}
	r->iocb.data = r;
}

static const char *name_of(long long result)
{
	const char *name = errno_text(result);

	return name ? name : "";
}

/* Requests that fail: some in io_submit, some by an event. */
static void run_bad(io_context_t ctx, int id)
{
	static char *page;
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	long long res = 0;

	if (!page)
		CHECK_EQ(posix_memalign((void **)&page, 4096, 8192), 0);
	io_prep_pread(&iocb, file, page, 4096, 0);
	unsigned kind = random_below(9);

	switch (kind) {
	case 0: iocb.aio_fildes = 9999; break;
	case 1: iocb.u.c.offset = -1; break;
	case 2: iocb.aio_lio_opcode = 77; break;
	case 3: iocb.u.c.buf = (void *)4096; break;
	case 4: iocb.u.c.nbytes = ~0ul; break;
	case 5: io_set_eventfd(&iocb, file); break;
	case 6: io_set_eventfd(&iocb, 9999); break;
	case 7: iocb.u.c.offset = REGIONS * REGION * 2L; break;
	case 8: iocb.u.c.buf = page + 1; break;
	}
	int submitted = io_submit(ctx, 1, &list);

	if (submitted == 1) {
		/* Nothing else is in flight. */
		CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
		res = (long long)event.res;
	}
	MUST(asprintf(&results[id], "bad %u: submit %s event %lld %s", kind,
		      submitted == 1 ? "1" : name_of(submitted), res, name_of(res)));
}

static void finish(const struct io_event *event)
{
	struct request *r = event->data;
	long long res = (long long)event->res;

	CHECK(event->obj == &r->iocb);
	CHECK_EQ(event->res2, 0);
	if (r->iocb.aio_lio_opcode == IO_CMD_POLL)
		res &= POLLIN;
	MUST(asprintf(&results[r->id], "op %d: %lld %s %08x", r->iocb.aio_lio_opcode, res, name_of(res),
		      r->reads && res > 0 ? checksum(r->buffer, (size_t)res) : 0));
	region_used[r->region] = false;
}

static void run_round(io_context_t ctx, int id, int n)
{
	struct io_event events[DEPTH];
	struct iocb *list[DEPTH];
	int done = 0;

	for (int i = 0; i < n; i++) {
		requests[i].id = id + i;
		make_good(&requests[i]);
		list[i] = &requests[i].iocb;
	}
	for (int i = 0; i < n;) {
		int batch = 1 + (int)next(&other_state, (unsigned)(n - i));
		int submitted = io_submit(ctx, batch, list + i);

		CHECK_OP(submitted, >, 0);
		i += submitted;
	}
	while (done < n) {
		int most = 1 + (int)next(&other_state, (unsigned)(n - done));
		int got = io_getevents(ctx, 1, most, events, NULL);

		CHECK_OP(got, >, 0);
		CHECK_OP(got, <=, most);
		for (int i = 0; i < got; i++)
			finish(&events[i]);
		done += got;
	}
	/* Each request with an eventfd has signalled it. */
	while (signals_due > 0) {
		struct pollfd polls[] = { { counters[0], POLLIN, 0 }, { counters[1], POLLIN, 0 } };
		uint64_t count;

		CHECK_OP(poll(polls, 2, 10000), >, 0);
		for (int i = 0; i < 2; i++)
			if (polls[i].revents && read(counters[i], &count, sizeof(count)) > 0)
				signals_due -= (int)count;
	}
	CHECK_EQ(signals_due, 0);
}

int main(int argc, char **argv)
{
	CHECK_EQ(argc, 5);
	int count = atoi(argv[3]);
	char *contents = malloc(REGIONS * REGION);
	io_context_t ctx = new_context(DEPTH);

	state = strtoull(argv[2], NULL, 10);
	results = calloc((size_t)count, sizeof(*results));
	file = (int)MUST(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600));
	/* The end of the file is within the last region. */
	memset(contents, '.', REGIONS * REGION);
	CHECK_EQ(write(file, contents, REGIONS * REGION - 4096), REGIONS * REGION - 4096);
	if (strcmp(argv[4], "direct") == 0 && fcntl(file, F_SETFL, O_DIRECT) != 0)
		SKIP("no O_DIRECT here");
	MUST(pipe(full_pipe));
	CHECK_EQ(write(full_pipe[1], "x", 1), 1);
	for (int i = 0; i < 2; i++)
		counters[i] = (int)MUST(eventfd(0, EFD_NONBLOCK));
	for (int i = 0; i < DEPTH; i++)
		CHECK_EQ(posix_memalign((void **)&requests[i].buffer, 4096, REGION), 0);
	for (int id = 0; id < count;) {
		int n = 1 + (int)random_below(DEPTH);

		if (random_below(4) == 0) {
			run_bad(ctx, id++);
			continue;
		}
		n = n < count - id ? n : count - id;
		run_round(ctx, id, n);
		id += n;
	}
	CHECK_EQ(io_destroy(ctx), 0);
	for (int id = 0; id < count; id++)
		printf("%d %s\n", id, results[id]);
	fcntl(file, F_SETFL, 0);
	ssize_t len = pread(file, contents, REGIONS * REGION, 0);

	printf("file: %zd bytes, %08x\n", len, checksum(contents, (size_t)len));
	return 0;
}

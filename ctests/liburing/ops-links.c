/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Links, drains and cancelled requests: which completions there are, and in which order they come. */
#include "rings.h"

enum { LINK = IOSQE_IO_LINK, HARD = IOSQE_IO_HARDLINK, DRAIN = IOSQE_IO_DRAIN, QUIET = IOSQE_CQE_SKIP_SUCCESS };

static struct io_uring ring;
static int pipe_fds[2];
static char byte[8];
static struct __kernel_timespec soon, later;

static void begin(void)
{
	soon = ms_to_ts(10);
	later = ms_to_ts(10000);
	ring_init(&ring, 32, 0);
	MUST(pipe(pipe_fds));
}

static void end(void)
{
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	MUST(close(pipe_fds[0]));
	MUST(close(pipe_fds[1]));
}

static void mark(struct io_uring_sqe *sqe, uint64_t user_data, unsigned flags)
{
	io_uring_sqe_set_data64(sqe, user_data);
	io_uring_sqe_set_flags(sqe, flags);
}

static void add_nop(uint64_t user_data, unsigned flags)
{
	mark(nop(&ring, user_data), user_data, flags);
}

/* A read that waits until the pipe is written to. */
static void add_read(uint64_t user_data, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_read(sqe, pipe_fds[0], byte, 1, 0);
	mark(sqe, user_data, flags);
}

/* One that fails at once. */
static void add_bad(uint64_t user_data, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_read(sqe, -1, byte, 1, 0);
	mark(sqe, user_data, flags);
}

static void add_timeout(struct __kernel_timespec *when, unsigned count, uint64_t user_data, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_timeout(sqe, when, count, 0);
	mark(sqe, user_data, flags);
}

static void add_link_timeout(struct __kernel_timespec *when, uint64_t user_data, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_link_timeout(sqe, when, 0);
	mark(sqe, user_data, flags);
}

static void add_cancel(uint64_t wanted, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_cancel64(sqe, wanted, 0);
	mark(sqe, user_data, 0);
}

/* Submits what was prepared; completes `user_data=result`, in this order, and nothing else for a while. */
static void expect_at(int line, const char *expected)
{
	char got[256] = "";
	size_t len = 0;
	int wanted = 0;

	for (const char *at = expected; (at = strchr(at, '=')); at++)
		wanted++;
	io_uring_submit(&ring);

	long long end_at = now_ms() + (wanted ? 1000 : 20);

	for (int done = 0; now_ms() < end_at;) {
		struct io_uring_cqe *cqe;
		struct __kernel_timespec brief = ms_to_ts(2);

		if (io_uring_wait_cqe_timeout(&ring, &cqe, &brief) == 0) {
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%d=%d", len ? " " : "",
						(int)cqe->user_data, cqe->res);
			CHECK(len < sizeof(got));
			io_uring_cqe_seen(&ring, cqe);
			/* A little more, for what should not come. */
			if (++done == wanted)
				end_at = now_ms() + 6;
		}
	}
	if (strcmp(got, expected)) {
		fprintf(stderr, "  %s:%d: got \"%s\", not \"%s\"\n", __FILE__, line, got, expected);
		exit(FAIL);
	}
}
#define EXPECT(expected) expect_at(__LINE__, expected)

static void write_byte(void)
{
	CHECK_EQ(write(pipe_fds[1], "x", 1), 1);
}

static void a_drain_holds_back_what_follows(void)
{
	begin();
	add_read(1, DRAIN);
	add_nop(2, 0);
	EXPECT("");
	add_nop(3, 0);
	EXPECT("");
	write_byte();
	EXPECT("1=1 2=0 3=0");

	add_read(1, 0);
	add_nop(2, DRAIN);
	add_read(3, 0);
	add_nop(4, 0);
	add_nop(5, DRAIN);
	add_nop(6, 0);
	EXPECT("");
	write_byte();
	EXPECT("1=1 2=0 4=0");
	write_byte();
	EXPECT("3=1 5=0 6=0");
	end();
}

static void a_drain_within_a_chain(void)
{
	begin();
	add_read(1, 0);
	add_nop(2, LINK);
	add_nop(3, LINK | DRAIN);
	add_nop(4, 0);
	add_nop(5, 0);
	EXPECT("");
	add_nop(6, 0);
	EXPECT("");
	write_byte();
	EXPECT("1=1 2=0 3=0 4=0 5=0 6=0");

	add_nop(1, LINK);
	add_nop(2, LINK | DRAIN);
	add_read(3, 0);
	add_nop(4, 0);
	EXPECT("1=0 2=0");
	write_byte();
	EXPECT("3=1 4=0");
	end();
}

static void links_go_on_after_the_submission(void)
{
	begin();
	add_nop(1, LINK);
	add_nop(2, LINK);
	add_nop(3, 0);
	add_nop(4, 0);
	EXPECT("1=0 4=0 2=0 3=0");
	add_bad(1, LINK);
	add_nop(2, LINK);
	add_nop(3, 0);
	add_nop(4, 0);
	EXPECT("1=-9 4=0 2=-125 3=-125");
	add_bad(1, HARD);
	add_nop(2, LINK);
	add_nop(3, 0);
	add_nop(4, 0);
	EXPECT("1=-9 4=0 2=0 3=0");
	add_bad(1, LINK);
	add_nop(2, 0);
	add_bad(3, LINK);
	add_nop(4, LINK);
	add_nop(5, 0);
	EXPECT("1=-9 3=-9 2=-125 4=-125 5=-125");
	end();
}

static void cancelled_requests_complete_after_the_submission(void)
{
	begin();
	add_read(1, LINK);
	add_nop(2, LINK);
	add_nop(3, 0);
	add_cancel(1, 4);
	add_nop(5, 0);
	EXPECT("4=0 5=0 1=-125 2=-125 3=-125");
	add_read(1, HARD);
	add_nop(2, 0);
	add_cancel(1, 4);
	add_nop(5, 0);
	EXPECT("4=0 5=0 1=-125 2=0");
	add_timeout(&later, 0, 1, 0);
	add_cancel(1, 4);
	add_nop(5, 0);
	EXPECT("4=0 5=0 1=-125");
	add_timeout(&later, 0, 1, 0);
	io_uring_prep_timeout_remove(sqe_get(&ring), 1, 0);
	add_nop(5, 0);
	EXPECT("0=0 5=0 1=-125");
	io_uring_prep_poll_add(sqe_get(&ring), pipe_fds[0], 1);
	io_uring_prep_poll_remove(sqe_get(&ring), 0);
	add_nop(5, 0);
	EXPECT("0=0 5=0 0=-125");
	end();
}

static void a_link_timeout_comes_before_what_it_cancels(void)
{
	begin();
	add_read(1, LINK);
	add_link_timeout(&soon, 2, LINK);
	add_nop(3, 0);
	EXPECT("2=-62 1=-125 3=-125");
	add_read(1, HARD);
	add_link_timeout(&soon, 2, HARD);
	add_nop(3, 0);
	EXPECT("2=-62 1=-125 3=0");
	add_timeout(&later, 0, 1, LINK);
	add_link_timeout(&soon, 2, 0);
	EXPECT("2=-62 1=-125");
	add_timeout(&soon, 0, 1, LINK);
	add_link_timeout(&later, 2, 0);
	EXPECT("1=-62 2=-125");
	add_read(1, LINK);
	add_link_timeout(&later, 2, LINK);
	add_nop(3, 0);
	add_cancel(1, 4);
	EXPECT("4=0 1=-125 2=-125 3=-125");
	end();
}

static void a_quiet_link_timeout(void)
{
	begin();
	add_nop(1, LINK);
	add_link_timeout(&later, 2, QUIET);
	EXPECT("1=0");
	add_nop(1, LINK | QUIET);
	add_link_timeout(&later, 2, QUIET);
	EXPECT("");
	add_nop(1, LINK | QUIET);
	add_link_timeout(&later, 2, 0);
	EXPECT("2=-125");
	add_read(1, LINK);
	add_link_timeout(&soon, 2, QUIET);
	EXPECT("1=-125");
	add_read(1, LINK | QUIET);
	add_link_timeout(&soon, 2, QUIET | LINK);
	add_nop(3, 0);
	EXPECT("1=-125");
	add_bad(1, LINK);
	add_link_timeout(&soon, 2, QUIET | LINK);
	add_nop(3, 0);
	EXPECT("1=-9 3=-125");
	add_bad(1, LINK | QUIET);
	add_link_timeout(&soon, 2, LINK);
	add_nop(3, 0);
	EXPECT("1=-9 2=-125");
	end();
}

static void timeouts_that_count(void)
{
	begin();
	add_timeout(&soon, -1u, 1, 0);
	add_nop(2, 0);
	EXPECT("2=0 1=-62");
	add_timeout(&soon, 0x80000001u, 1, 0);
	add_nop(2, 0);
	EXPECT("2=0 1=-62");
	add_timeout(&later, 2, 2, 0);
	add_timeout(&later, 1, 1, 0);
	add_nop(3, 0);
	add_nop(4, 0);
	EXPECT("3=0 4=0 1=0 2=0");
	end();
}

/* A vector says how long the buffer may be; it is no number of vectors. */
static void a_vectored_read_into_a_long_buffer(void)
{
	static char buffer[8192];
	struct iovec vector = { NULL, 4096 };
	struct io_uring_sqe *sqe;
	int fd = temp_file(8192);

	begin();
	sqe = sqe_get(&ring);
	io_uring_prep_provide_buffers(sqe, buffer, sizeof(buffer), 1, 3, 0);
	mark(sqe, 1, 0);
	EXPECT("1=0");
	sqe = sqe_get(&ring);
	io_uring_prep_readv(sqe, fd, &vector, 1, 0);
	mark(sqe, 2, IOSQE_BUFFER_SELECT);
	sqe->buf_group = 3;
	EXPECT("2=4096");
	MUST(close(fd));
	end();
}

static void only_the_issuer_submits_not_its_child(void)
{
	struct io_uring issued;
	int status;

	ring_init_or_skip(&issued, 4, IORING_SETUP_SINGLE_ISSUER, "IORING_SETUP_SINGLE_ISSUER");
	nop(&issued, 1);
	RUN_ONE(&issued, 0);
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		nop(&issued, 2);
		_exit(io_uring_submit(&issued) == -EEXIST ? 0 : 1);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	io_uring_queue_exit(&issued);
}

TEST_PARTS(
	PART(a_drain_holds_back_what_follows),
	PART(a_drain_within_a_chain),
	PART(links_go_on_after_the_submission),
	PART(cancelled_requests_complete_after_the_submission),
	PART(a_link_timeout_comes_before_what_it_cancels),
	PART(a_quiet_link_timeout),
	PART(timeouts_that_count),
	PART(a_vectored_read_into_a_long_buffer),
	PART(only_the_issuer_submits_not_its_child),
)

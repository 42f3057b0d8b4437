/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * spoil-memory SECONDS [FIRST_SEED] | --seed SEED
 *
 * Uses rings while another thread writes nonsense into what they share with their server: heads, tails, flags and
 * entries, indices, SQEs, CQEs and buffer rings. Whatever the results are, nothing may crash, hang or be left behind.
 *
 * What requests read and write by must not be the test's own memory: addresses are those of an area between pages
 * that nobody may touch, or none at all. Operations that make descriptors, change paths or take space on a disk are
 * left out.
 */
#include "stress.h"
#include <poll.h>
#include <sys/socket.h>

enum {
	AREA = 1 << 20, GUARD = 1 << 30, FILES = 6, GROUP = 1, BUFFERS = 8, BUFFER_SIZE = 256, ROUNDS = 60, RINGS = 3,
	PIPE_READ = 1, PIPE_WRITE = 2, SOCKET = 3, PEER = 4,
};

static const __u8 OPCODES[] = {
	IORING_OP_NOP, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
	IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_SENDMSG,
	IORING_OP_RECVMSG, IORING_OP_TIMEOUT, IORING_OP_TIMEOUT_REMOVE, IORING_OP_ASYNC_CANCEL, IORING_OP_LINK_TIMEOUT,
	IORING_OP_FILES_UPDATE, IORING_OP_STATX, IORING_OP_SEND, IORING_OP_RECV, IORING_OP_PROVIDE_BUFFERS,
	IORING_OP_REMOVE_BUFFERS, IORING_OP_MSG_RING, IORING_OP_SEND_ZC, IORING_OP_SENDMSG_ZC, IORING_OP_READ_MULTISHOT,
	IORING_OP_FUTEX_WAIT, IORING_OP_FUTEX_WAKE, IORING_OP_FUTEX_WAITV, IORING_OP_EPOLL_WAIT, IORING_OP_READV_FIXED,
	IORING_OP_WRITEV_FIXED, IORING_OP_NOP128, IORING_OP_LAST, 255,
};

static char *area;
static int files[FILES];
static atomic_bool stops;
static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static _Thread_local uint64_t state;

static uint64_t any(void)
{
	return random_of(&state);
}

static unsigned some(unsigned limit)
{
	return (unsigned)(any() % limit);
}

/* An address that a request may have: in the area, none, or one that nobody has. */
static uint64_t address(void)
{
	switch (some(6)) {
	case 0: return 0;
	case 1: return UINT64_MAX - some(64);
	case 2: return (uint64_t)(uintptr_t)area + AREA - some(64);
	default: return (uint64_t)(uintptr_t)area + some(AREA / 2);
	}
}

/* A number of the kind that borders are crossed with. */
static unsigned number(unsigned near)
{
	static const unsigned borders[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x10000 };

	switch (some(3)) {
	case 0: return borders[some(sizeof(borders) / sizeof(borders[0]))];
	case 1: return near + some(8) - 4;
	default: return (unsigned)any();
	}
}

static void fill_sqe(struct io_uring_sqe *sqe)
{
	sqe->opcode = OPCODES[some(sizeof(OPCODES))];
	sqe->flags = some(3) ? 0 : (__u8)any();
	sqe->ioprio = some(4) ? 0 : (__u16)any();
	sqe->fd = some(8) ? files[some(FILES)] : (int)number(0);
	sqe->off = some(3) ? some(8192) : some(2) ? address() : UINT64_MAX;
	sqe->addr = address();
	sqe->len = some(4) ? some(BUFFER_SIZE) : number(1);
	sqe->rw_flags = some(4) ? 0 : (int)any();
	sqe->user_data = some(16);
	sqe->buf_index = some(2) ? GROUP : (__u16)some(4);
	sqe->personality = some(8) ? 0 : (__u16)any();
	sqe->file_index = some(8) ? 0 : (unsigned)any();
	sqe->addr3 = some(2) ? 0 : address();
}

static void spoil_sqe(struct io_uring_sqe *sqe)
{
	switch (some(8)) {
	case 0: sqe->opcode = OPCODES[some(sizeof(OPCODES))]; break;
	case 1: sqe->flags = (__u8)any(); break;
	case 2: sqe->fd = files[some(FILES)]; break;
	case 3: sqe->addr = address(); break;
	case 4: sqe->len = number(1); break;
	case 5: sqe->buf_index = (__u16)any(); break;
	case 6: sqe->user_data = some(16); break;
	default: fill_sqe(sqe);
	}
}

/* What the program and the server share, but for the SQEs: any word of it. */
static void spoil_ring(void)
{
	unsigned *words[] = { ring.sq.khead, ring.sq.ktail, ring.sq.kring_mask, ring.sq.kring_entries, ring.sq.kflags,
			      ring.sq.kdropped, ring.cq.khead, ring.cq.ktail, ring.cq.kring_mask,
			      ring.cq.kring_entries, ring.cq.koverflow };
	unsigned *word = words[some(sizeof(words) / sizeof(words[0]))];

	if (word)
		__atomic_store_n(word, number(__atomic_load_n(word, __ATOMIC_RELAXED)), __ATOMIC_RELAXED);
}

static void spoil_buffers(void)
{
	struct io_uring_buf *buf = &buffers->bufs[some(BUFFERS)];

	switch (some(4)) {
	case 0: __atomic_store_n(&buffers->tail, (__u16)any(), __ATOMIC_RELEASE); break;
	case 1: buf->addr = address(); break;
	case 2: buf->len = number(BUFFER_SIZE); break;
	default: buf->bid = (__u16)any(); break;
	}
}

static void *spoil(void *seed)
{
	state = (uint64_t)(uintptr_t)seed;
	while (!atomic_load(&stops)) {
		switch (some(5)) {
		case 0: spoil_ring(); break;
		case 1:
			if (ring.sq.array)
				ring.sq.array[some(ring.sq.ring_entries)] = number(ring.sq.ring_entries);
			break;
		case 2:
			if (buffers)
				spoil_buffers();
			break;
		case 3: ring.cq.cqes[some(ring.cq.ring_entries)].user_data = any(); break;
		default: spoil_sqe(&ring.sq.sqes[some(ring.sq.ring_entries)]); break;
		}
		if (some(64) == 0)
			usleep(some(100));
	}
	return NULL;
}

static void use_ring(void)
{
	struct __kernel_timespec moment = { .tv_nsec = 200000 };
	struct io_uring_cqe *cqes[8], *cqe;

	for (unsigned i = some(8); i; i--) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		if (sqe)
			fill_sqe(sqe);
	}
	switch (some(6)) {
	case 0: io_uring_submit(&ring); break;
	case 1: io_uring_submit_and_get_events(&ring); break;
	case 2: io_uring_enter((unsigned)ring.enter_ring_fd, some(64), 0, some(2) ? IORING_ENTER_GETEVENTS : 0, NULL); break;
	case 3: io_uring_wait_cqe_timeout(&ring, &cqe, &moment); break;
	default: io_uring_submit_and_wait_timeout(&ring, &cqe, some(4), &moment, NULL); break;
	}
	unsigned seen = io_uring_peek_batch_cqe(&ring, cqes, 8);

	io_uring_cq_advance(&ring, some(8) ? seen : (unsigned)any());
	/* Something to read, and room to write. */
	(void)!write(files[PIPE_WRITE], "some", 4);
	(void)!send(files[PEER], "some", 4, MSG_DONTWAIT);
	(void)!recv(files[PEER], area + AREA / 2, 64, MSG_DONTWAIT);
}

static void play_ring(void)
{
	static const unsigned flags[] = { 0, 0, IORING_SETUP_SQPOLL, IORING_SETUP_CQE32, IORING_SETUP_SUBMIT_ALL,
					  IORING_SETUP_NO_SQARRAY, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
					  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER };
	struct iovec registered = { area, AREA / 2 };
	pthread_t thread;
	int ret;

	ret = io_uring_queue_init(1u << (2 + some(5)), &ring, flags[some(sizeof(flags) / sizeof(flags[0]))]);
	HOLDS_OF(ret == 0, ret);
	io_uring_register_files(&ring, files, FILES);
	io_uring_register_buffers(&ring, &registered, 1);
	buffers = io_uring_setup_buf_ring(&ring, BUFFERS, GROUP, some(2) ? IOU_PBUF_RING_INC : 0, &ret);
	for (int i = 0; buffers && i < BUFFERS; i++)
		io_uring_buf_ring_add(buffers, area + i * BUFFER_SIZE, BUFFER_SIZE, (unsigned short)i, BUFFERS - 1, i);
	if (buffers)
		io_uring_buf_ring_advance(buffers, BUFFERS);
	atomic_store(&stops, false);
	HOLDS(pthread_create(&thread, NULL, spoil, (void *)(uintptr_t)any()) == 0);
	for (int i = 0; i < ROUNDS; i++)
		use_ring();
	atomic_store(&stops, true);
	pthread_join(thread, NULL);
	if (buffers)
		io_uring_free_buf_ring(&ring, buffers, BUFFERS, GROUP);
	io_uring_queue_exit(&ring);
}

static void prepare(void)
{
	char *all = mmap(NULL, (size_t)2 * GUARD + AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fds[2];

	HOLDS(all != MAP_FAILED);
	area = all + GUARD;
	MUST(mprotect(area, AREA, PROT_READ | PROT_WRITE));
	/* No bytes of it are an address that anything has. */
	memset(area, 0xf5, AREA);
	files[0] = (int)MUST(open(".", O_RDWR | O_TMPFILE, 0600));
	MUST(write(files[0], area, 8192));
	MUST(pipe2(fds, O_NONBLOCK));
	files[PIPE_READ] = fds[0];
	files[PIPE_WRITE] = fds[1];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	files[SOCKET] = fds[0];
	files[PEER] = fds[1];
	files[5] = (int)MUST(open("/dev/zero", O_RDWR));
	signal(SIGPIPE, SIG_IGN);
}

static void play(uint64_t seed)
{
	state = seed;
	prepare();
	play_ring();
	struct held before = count_held();

	before.threads = 1;
	/* Those that linger from the first go as well. */
	for (int i = 0; i < RINGS; i++)
		play_ring();
	check_held(&before);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, play);
}

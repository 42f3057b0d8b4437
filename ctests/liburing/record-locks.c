/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Record locks (F_SETLK) are the process's, and gone when it closes any descriptor of the file: requests, registered files
 * and rings leave them alone. Another process tells. */
#include "rings.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/uio.h>

enum { SIZE = 256 << 10, PART_OF_IT = 4096 };

static char data[SIZE];

static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t pid = fork_child();

	if (pid == 0) {
		/* Nothing of the ring's is to be given back by this one. */
		_exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK);
	}
	return exit_status(pid) == 1;
}

static void lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	MUST(fcntl(fd, F_SETLK, &lock));
	CHECK(is_locked(fd));
}

static void unlock(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	MUST(fcntl(fd, F_SETLK, &lock));
	CHECK(!is_locked(fd));
}

typedef void (*prepare)(struct io_uring_sqe *sqe, int fd);

static void cached_read(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_read(sqe, fd, data, PART_OF_IT, 0);
}

static void uncached_read(struct io_uring_sqe *sqe, int fd)
{
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	io_uring_prep_read(sqe, fd, data, SIZE, 0);
}

static void buffered_write(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_write(sqe, fd, data, PART_OF_IT, 0);
}

static void vectored_write(struct io_uring_sqe *sqe, int fd)
{
	static struct iovec vectors[2] = { { data, 100 }, { data + 1000, PART_OF_IT - 100 } };

	io_uring_prep_writev(sqe, fd, vectors, 2, 0);
}

static void sync_all(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_fsync(sqe, fd, 0);
}

static void sync_range(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_sync_file_range(sqe, fd, PART_OF_IT, 0, SYNC_FILE_RANGE_WRITE);
}

static void allocate(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_fallocate(sqe, fd, 0, 0, SIZE);
}

static void truncate_it(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_ftruncate(sqe, fd, SIZE);
}

static void advise(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_fadvise(sqe, fd, 0, PART_OF_IT, POSIX_FADV_WILLNEED);
}

static void set_attribute(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_fsetxattr(sqe, fd, "user.a", "b", 0, 1);
}

static void get_attribute(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_fgetxattr(sqe, fd, "user.a", data, 10);
}

static void status(struct io_uring_sqe *sqe, int fd)
{
	static struct statx answer;

	io_uring_prep_statx(sqe, fd, "", AT_EMPTY_PATH, STATX_ALL, &answer);
}

static void poll_it(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_poll_add(sqe, fd, POLL_IN);
}

static void into_a_pipe(struct io_uring_sqe *sqe, int fd)
{
	static int ends[2];

	if (!ends[0])
		MUST(pipe(ends));
	else
		CHECK_EQ(read(ends[0], data, PART_OF_IT), PART_OF_IT);
	io_uring_prep_splice(sqe, fd, 0, ends[1], -1, PART_OF_IT, 0);
}

static void from_a_pipe(struct io_uring_sqe *sqe, int fd)
{
	static int ends[2];

	if (!ends[0])
		MUST(pipe(ends));
	CHECK_EQ(write(ends[1], data, PART_OF_IT), PART_OF_IT);
	io_uring_prep_splice(sqe, ends[0], -1, fd, 0, PART_OF_IT, 0);
}

static const struct { const char *name; prepare prepare; } operations[] = {
	{ "cached read", cached_read }, { "uncached read", uncached_read }, { "write", buffered_write },
	{ "vectored write", vectored_write }, { "fsync", sync_all }, { "sync_file_range", sync_range },
	{ "fallocate", allocate }, { "ftruncate", truncate_it }, { "fadvise", advise },
	{ "fsetxattr", set_attribute }, { "fgetxattr", get_attribute }, { "statx", status },
	{ "poll", poll_it }, { "splice into a pipe", into_a_pipe }, { "splice from a pipe", from_a_pipe },
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* A NOP beside it: nobody waits for this one alone, and does it by itself. */
static void run(struct io_uring *ring, int fd, int operation, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	operations[operation].prepare(sqe, fd);
	io_uring_sqe_set_flags(sqe, flags);
	io_uring_sqe_set_data64(sqe, 1);
	nop(ring, 2);
	submit(ring, 2);
	reap_any(ring);
	reap_any(ring);
	if (!is_locked(fd))
		fprintf(stderr, "  lost by a %s with flags %x\n", operations[operation].name, flags);
	CHECK(is_locked(fd));
}

static void run_all(struct io_uring *ring, int fd)
{
	lock(fd);
	for (int i = 0; i < OPERATIONS; i++) {
		run(ring, fd, i, 0);
		run(ring, fd, i, IOSQE_ASYNC);
		run(ring, fd, i, 0);
	}
}

static void each_operation(void)
{
	int fd = temp_file(SIZE);
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	run_all(&ring, fd);
	io_uring_queue_exit(&ring);
	CHECK(is_locked(fd));
}

static void each_operation_by_a_thread_that_submits(void)
{
	int fd = temp_file(SIZE);
	struct io_uring ring;

	ring_init(&ring, 8, IORING_SETUP_SQPOLL);
	run_all(&ring, fd);
	io_uring_queue_exit(&ring);
	CHECK(is_locked(fd));
}

/* As a database does it: the page, then the sync, many at a time. */
static void chains(void)
{
	int fd = temp_file(SIZE);
	struct io_uring ring;

	ring_init(&ring, 64, 0);
	lock(fd);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 32; i++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			io_uring_prep_write(sqe, fd, data, PART_OF_IT, (__u64)i * PART_OF_IT);
			io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
			io_uring_prep_fsync(sqe_get(&ring), fd, IORING_FSYNC_DATASYNC);
		}
		submit(&ring, 64);
		for (int i = 0; i < 64; i++)
			CHECK_OP(reap_any(&ring).res, >=, 0);
		CHECK(is_locked(fd));
	}
	io_uring_queue_exit(&ring);
	CHECK(is_locked(fd));
}

/* The file, once registered, and read by its slot. */
static void register_and_read(struct io_uring *ring, int fd)
{
	struct io_uring_sqe *sqe;

	CHECK_EQ(io_uring_register_files(ring, (int[]){ fd, -1 }, 2), 0);
	for (unsigned flags = 0; flags <= IOSQE_ASYNC; flags += IOSQE_ASYNC) {
		sqe = sqe_get(ring);
		io_uring_prep_read(sqe, 0, data, PART_OF_IT, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | flags);
		RUN_ONE(ring, PART_OF_IT);
		CHECK(is_locked(fd));
	}
}

static void registered_files(void)
{
	int fd = temp_file(SIZE), replacement = -1;
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	lock(fd);
	register_and_read(&ring, fd);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, &replacement, 1), 1);
	CHECK(is_locked(fd));
	CHECK_EQ(io_uring_register_files_update(&ring, 1, &fd, 1), 1);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	CHECK(is_locked(fd));
	register_and_read(&ring, fd);
	io_uring_queue_exit(&ring);
	CHECK(is_locked(fd));
}

/* The same file, opened once more, into a slot. */
static void direct_descriptors(void)
{
	char path[4096];
	struct io_uring ring;
	int fd;

	snprintf(path, sizeof(path), "%s/ctest-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	fd = (int)MUST(mkstemp(path));
	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	lock(fd);
	for (unsigned flags = 0; flags <= IOSQE_ASYNC; flags += IOSQE_ASYNC) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_openat_direct(sqe, AT_FDCWD, path, O_RDWR, 0, 1);
		io_uring_sqe_set_flags(sqe, flags);
		RUN_ONE(&ring, 0);
		CHECK(is_locked(fd));
		/* There is no such slot. */
		io_uring_prep_openat_direct(sqe_get(&ring), AT_FDCWD, path, O_RDWR, 0, 9);
		RUN_ONE(&ring, -EINVAL);
		CHECK(is_locked(fd));
		io_uring_prep_close_direct(sqe_get(&ring), 1);
		RUN_ONE(&ring, 0);
		CHECK(is_locked(fd));
	}
	MUST(unlink(path));
	io_uring_queue_exit(&ring);
	CHECK(is_locked(fd));
}

static void a_file_in_a_message(void)
{
	int fd = temp_file(SIZE);
	struct io_uring from, to;

	ring_init(&from, 8, 0);
	ring_init(&to, 8, 0);
	lock(fd);
	CHECK_EQ(io_uring_register_files(&from, &fd, 1), 0);
	CHECK_EQ(io_uring_register_files_sparse(&to, 2), 0);
	io_uring_prep_msg_ring_fd(sqe_get(&from), to.ring_fd, 0, 1, 7, 0);
	RUN_ONE(&from, 0);
	io_uring_queue_exit(&from);
	CHECK(is_locked(fd));
	REAP(&to, 7, 0);
	io_uring_queue_exit(&to);
	CHECK(is_locked(fd));
}

/* Requests that never get to run are no different. */
static void what_is_cancelled(void)
{
	int fd = temp_file(SIZE), ends[2], pipe_size;
	struct io_uring ring;

	MUST(pipe(ends));
	pipe_size = (int)MUST(fcntl(ends[1], F_GETPIPE_SZ));
	for (int left = pipe_size; left > 0; left -= PART_OF_IT)
		CHECK_EQ(write(ends[1], data, PART_OF_IT), PART_OF_IT);
	ring_init(&ring, 8, 0);
	lock(fd);
	for (int round = 0; round < 2; round++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		/* The pipe is full. */
		io_uring_prep_splice(sqe, fd, 0, ends[1], -1, PART_OF_IT, 0);
		io_uring_sqe_set_data64(sqe, 1);
		submit(&ring, 1);
		if (round == 1)
			break;
		sqe = sqe_get(&ring);
		io_uring_prep_cancel64(sqe, 1, 0);
		io_uring_sqe_set_data64(sqe, 2);
		submit(&ring, 1);
		for (int i = 0; i < 2; i++)
			reap_any(&ring);
		CHECK(is_locked(fd));
	}
	io_uring_queue_exit(&ring);
	CHECK(is_locked(fd));
}

static atomic_bool is_over;

/* One after another that a worker does, until it is over. */
static void *keep_busy(void *arg)
{
	int fd = *(int *)arg, i = 0;
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	while (!atomic_load(&is_over)) {
		for (int n = 0; n < 2; n++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			operations[i++ % 3 + 3].prepare(sqe, fd);
			io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
		}
		submit(&ring, 2);
		reap_any(&ring);
		reap_any(&ring);
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

/* A lock that was just set is there as long as it is not given up, whatever ends meanwhile. */
static void locks_that_come_and_go(void)
{
	char path[4096];
	int fd = temp_file(SIZE), judge;
	pthread_t thread;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	judge = (int)MUST(open(path, O_RDWR));
	MUST(pthread_create(&thread, NULL, keep_busy, &fd));
	for (int round = 0; round < 5000; round++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		MUST(fcntl(fd, F_SETLK, &lock));
		for (int look = 0; look < 20; look++) {
			struct flock found = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

			MUST(fcntl(judge, F_OFD_GETLK, &found));
			CHECK_EQ(found.l_type, F_WRLCK);
		}
		lock.l_type = F_UNLCK;
		MUST(fcntl(fd, F_SETLK, &lock));
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
}

static atomic_int notices;

static void on_notice(int signal)
{
	(void)signal;
	atomic_fetch_add(&notices, 1);
}

/* A directory that the program has asked to be told of (F_NOTIFY) is not closed behind its back either. */
static void a_directory_that_is_watched(void)
{
	char dir[4096], path[5000];
	struct io_uring ring;
	int fd;

	temp_dir(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = (int)MUST(open(dir, O_RDONLY | O_DIRECTORY));
	ring_init(&ring, 8, 0);
	CHECK(signal(SIGIO, on_notice) != SIG_ERR);
	MUST(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT));
	for (int round = 0; round < 5; round++) {
		for (int n = 0; n < 2; n++)
			io_uring_prep_fsync(sqe_get(&ring), fd, 0);
		submit(&ring, 2);
		CHECK_EQ(reap_any(&ring).res, 0);
		CHECK_EQ(reap_any(&ring).res, 0);
		atomic_store(&notices, 0);
		close((int)MUST(creat(path, 0600)));
		MUST(unlink(path));
		CHECK_OP(atomic_load(&notices), >=, 1);
	}
	MUST(rmdir(dir));
	io_uring_queue_exit(&ring);
}

/* The number is another file's right after the submission: what was submitted is for the one that it was. */
static void the_file_at_submission(void)
{
	enum { NR = 16 };
	static char blocks[NR][PART_OF_IT];
	struct io_uring ring;

	ring_init(&ring, NR, 0);
	for (int round = 0; round < 20; round++) {
		int fd = temp_file(0), keeps = (int)MUST(dup(fd)), other = temp_file(0);
		struct stat status;

		lock(fd);
		for (int i = 0; i < NR; i++) {
			memset(blocks[i], 'a' + i, sizeof(blocks[i]));
			io_uring_prep_write(sqe_get(&ring), fd, blocks[i], PART_OF_IT, (__u64)i * PART_OF_IT);
		}
		submit(&ring, NR);
		MUST(dup2(other, fd));
		for (int i = 0; i < NR; i++)
			CHECK_EQ(reap_any(&ring).res, PART_OF_IT);
		MUST(fstat(other, &status));
		CHECK_EQ(status.st_size, 0);
		for (int i = 0; i < NR; i++) {
			CHECK_EQ(pread(keeps, data, PART_OF_IT, (off_t)i * PART_OF_IT), PART_OF_IT);
			CHECK_EQ(memcmp(data, blocks[i], PART_OF_IT), 0);
		}
		close(fd);
		close(keeps);
		close(other);
	}
	io_uring_queue_exit(&ring);
}

/* Nothing keeps a locked file open once its requests are complete and the program has closed it. */
static void the_file_is_let_go(void)
{
	char path[4096];
	struct io_uring ring;

	ring_init(&ring, 16, 0);
	for (int round = 0; round < 50; round++) {
		int fd, again;

		snprintf(path, sizeof(path), "%s/ctest-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		fd = (int)MUST(mkstemp(path));
		MUST(flock(fd, LOCK_EX));
		lock(fd);
		for (int i = 0; i < 8; i++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			io_uring_prep_write(sqe, fd, data, PART_OF_IT, (__u64)i * PART_OF_IT);
			io_uring_sqe_set_flags(sqe, i % 2 ? IOSQE_ASYNC : 0);
		}
		submit(&ring, 8);
		for (int i = 0; i < 8; i++)
			CHECK_EQ(reap_any(&ring).res, PART_OF_IT);
		close(fd);
		again = (int)MUST(open(path, O_RDWR));
		MUST(flock(again, LOCK_EX | LOCK_NB));
		close(again);
		MUST(unlink(path));
	}
	io_uring_queue_exit(&ring);
}

/* Threads and descriptors that are had for locked files go with the last ring. */
static void nothing_is_left(void)
{
	int fd = temp_file(SIZE), fds = count_fds();

	for (int round = 0; round < 6; round++) {
		struct io_uring ring;

		ring_init(&ring, 64, 0);
		lock(fd);
		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		for (int i = 0; i < 32; i++) {
			io_uring_prep_read(sqe_get(&ring), fd, data + i * PART_OF_IT, PART_OF_IT, (__u64)i * 2 * PART_OF_IT);
			io_uring_prep_fsync(sqe_get(&ring), fd, 0);
		}
		submit(&ring, 64);
		/* Some are under way when the ring is closed. */
		for (int i = 0; i < (round % 2 ? 64 : 5); i++)
			CHECK_OP(reap_any(&ring).res, >=, 0);
		io_uring_queue_exit(&ring);
		CHECK(is_locked(fd));
	}
	for (int tries = 0; tries < 200 && (count_fds() > fds || count_threads() > 1); tries++)
		usleep(10000);
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_threads(), 1);
}

/* What is kept because of locks does not become more with each use. */
static void nothing_piles_up(void)
{
	int fd = temp_file(SIZE), before = 0;
	struct footprint start = ring_footprint();
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	lock(fd);
	for (int round = 0; round < 200; round++) {
		register_and_read(&ring, fd);
		CHECK_EQ(io_uring_unregister_files(&ring), 0);
		run(&ring, fd, round % OPERATIONS, IOSQE_ASYNC);
		if (round == OPERATIONS)
			before = count_fds();
		else if (round > OPERATIONS)
			CHECK_OP(count_fds(), <=, before + 8);
	}
	unlock(fd);
	io_uring_queue_exit(&ring);
	for (int tries = 0; count_fds() > start.fds + 4 && tries < 100; tries++)
		usleep(50000);
	/* The pipes' four ends are the test's. */
	CHECK_EQ(count_fds(), start.fds + 4);
}

/* The same where a policy, as a container's, forbids to ask whether two descriptors are one file. */
static void nothing_piles_up_in_a_container(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kcmp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	nothing_piles_up();
}

TEST_PARTS(
	PART(each_operation),
	PART(each_operation_by_a_thread_that_submits),
	PART(chains),
	PART(registered_files),
	PART(direct_descriptors),
	PART(a_file_in_a_message),
	PART(what_is_cancelled),
	PART(locks_that_come_and_go),
	PART(a_directory_that_is_watched),
	PART(the_file_at_submission),
	PART(the_file_is_let_go),
	PART(nothing_is_left),
	PART(nothing_piles_up),
	PART(nothing_piles_up_in_a_container),
)

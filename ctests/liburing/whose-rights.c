/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a request may do is what the thread might that submitted it, when it did, whoever serves the ring: the thread has
 * fewer capabilities, other groups, a domain of Landlock, a filter, a umask, directory or namespace of its own. Threads
 * with all rights have used rings before, and go on to.
 */
#include "rings.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { OTHERS = 1234, NOBODY = 65534, OPENED = 7, FIRST = 8 };

/* How a request comes to be done. */
static const char *const ways[] = { "inline", "async", "behind a timeout", "behind a drain", "async behind a timeout",
	"behind a read", "in another thread's enter", "while nobody enters" };
enum way { INLINE, ASYNC, LINKED, DRAINED, LINKED_ASYNC, READS, BY_ANOTHER, UNATTENDED, WAYS };

static char secret[256], folder[200];

/* One thing that a thread has of its own. */
struct own {
	/* The thread comes to have it, from now on or for a while. */
	void (*change)(void);
	/* A request, and what it should answer. */
	void (*prepare)(struct io_uring_sqe *sqe);
	void (*judge)(int res);
	/* The thread submits and has it no more, if that can be. */
	void (*change_back)(void);
};

static const struct own *own;
static struct io_uring warm, ring;
static sem_t wanted, entered;

static void open_secret(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat(sqe, AT_FDCWD, secret, O_RDONLY | O_CLOEXEC, 0);
}

static void is_refused(int res)
{
	CHECK_EQ(res, -EACCES);
}

static void is_opened(int res)
{
	CHECK_OP(res, >=, 0);
	close(res);
}

/* Another thread waits for what this one has submitted. */
static void enter_elsewhere(void)
{
	MUST(sem_post(&wanted));
	while (sem_wait(&entered))
		CHECK_EQ(errno, EINTR);
}

static void before(enum way way, int pipe_end, char *byte)
{
	static struct __kernel_timespec soon = { .tv_nsec = 20000000 };
	struct io_uring_sqe *sqe;

	if (way == INLINE || way == ASYNC)
		return;
	sqe = sqe_get(&ring);
	if (way == READS)
		io_uring_prep_read(sqe, pipe_end, byte, 1, 0);
	else
		io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	io_uring_sqe_set_data64(sqe, FIRST);
	if (way != DRAINED)
		sqe->flags |= IOSQE_IO_LINK;
}

static void until_there(enum way way, unsigned count, int pipe_end)
{
	double start = now();

	if (way == READS)
		CHECK_EQ(write(pipe_end, "x", 1), 1);
	if (way == BY_ANOTHER)
		enter_elsewhere();
	while ((way == UNATTENDED || way == READS) && io_uring_cq_ready(&ring) < count) {
		CHECK_OP(now() - start, <, 20);
		usleep(1000);
	}
}

static void try_one(enum way way)
{
	unsigned count = way == INLINE || way == ASYNC ? 1 : 2;
	bool is_there = false;
	char byte;
	int fds[2];

	MUST(pipe(fds));
	own->change();
	before(way, fds[0], &byte);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	own->prepare(sqe);
	io_uring_sqe_set_data64(sqe, OPENED);
	sqe->flags |= way == ASYNC || way == LINKED_ASYNC ? IOSQE_ASYNC : way == DRAINED ? IOSQE_IO_DRAIN : 0;
	submit(&ring, (int)count);
	/* What the kernel starts later has the rights that the thread has then; here, those that it had. */
	bool is_captured = is_soft(&ring) || count == 1;

	if (own->change_back && is_captured)
		own->change_back();
	until_there(way, count, fds[1]);
	for (unsigned i = 0; i < count; i++) {
		struct result result = reap_any(&ring);

		if (result.user_data != OPENED)
			continue;
		is_there = true;
		fprintf(stderr, "  %s\n", ways[way]);
		own->judge(result.res);
	}
	CHECK(is_there);
	if (own->change_back && !is_captured)
		own->change_back();
	close(fds[0]);
	close(fds[1]);
}

static void *submitter(void *arg)
{
	ring_init(&ring, 8, 0);
	for (int way = 0; way < WAYS; way++)
		try_one((enum way)way);
	MUST(sem_post(&wanted));
	return arg;
}

static void open_by(struct io_uring *on, unsigned char flags)
{
	struct io_uring_sqe *sqe = sqe_get(on);

	open_secret(sqe);
	sqe->flags |= flags;
	submit(on, 1);
	is_opened(reap_any(on).res);
}

/* Whoever serves rings in this process has served one of a thread that may do all. */
static void warm_up(void)
{
	int fds[2];

	MUST(pipe(fds));
	ring_init(&warm, 8, 0);
	for (int i = 0; i < 4; i++)
		open_by(&warm, IOSQE_ASYNC);
	io_uring_prep_poll_add(sqe_get(&warm), fds[0], POLLIN);
	submit(&warm, 1);
	usleep(5000);
}

static void prepare_files(void)
{
	if (geteuid())
		SKIP("rights are given up by root");
	/* Others than root get there. */
	MUST(chmod(".", 0711));
	CHECK(getcwd(folder, sizeof(folder) - 16) != NULL);
	strcat(folder, "/rights.XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	MUST(chmod(folder, 0777));
	MUST(snprintf(secret, sizeof(secret), "%s/secret", folder));
	int fd = (int)MUST(open(secret, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));

	MUST(fchown(fd, OTHERS, OTHERS));
	MUST(fchmod(fd, 0660));
	close(fd);
}

/* A thread that is so, beside one that is not and has been served. */
static void compare(const struct own *of)
{
	pthread_t thread;

	own = of;
	prepare_files();
	warm_up();
	MUST(sem_init(&wanted, 0, 0));
	MUST(sem_init(&entered, 0, 0));
	CHECK_EQ(pthread_create(&thread, NULL, submitter, NULL), 0);
	/* Once for the ring, then to leave. */
	while (sem_wait(&wanted))
		CHECK_EQ(errno, EINTR);
	/* Entering is left to those who share descriptors. */
	unsigned long fd = (unsigned long)ring.ring_fd;

	while (io_uring_cq_ready(&ring) < 2)
		CHECK_OP(io_uring_enter((unsigned)fd, 0, 2, IORING_ENTER_GETEVENTS, NULL), >=, -EINTR);
	MUST(sem_post(&entered));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	open_by(&warm, 0);
	open_by(&warm, IOSQE_ASYNC);
}

static void set_capabilities(bool all)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &header, data));
	for (int i = 0; i < 2; i++)
		data[i].effective = all ? data[i].permitted : 0;
	MUST(syscall(SYS_capset, &header, data));
}

static void use_no_capabilities(void)
{
	set_capabilities(false);
	CHECK_OP(open(secret, O_RDONLY), <, 0);
}

static void use_all_capabilities(void)
{
	set_capabilities(true);
}

static void capabilities(void)
{
	compare(&(struct own){ use_no_capabilities, open_secret, is_refused, use_all_capabilities });
}

static void capabilities_that_come_too_late(void)
{
	compare(&(struct own){ use_all_capabilities, open_secret, is_opened, use_no_capabilities });
}

static void be_nobody_for_files(void)
{
	setfsgid(NOBODY);
	setfsuid(NOBODY);
	CHECK_OP(open(secret, O_RDONLY), <, 0);
}

static void be_root_for_files(void)
{
	setfsuid(0);
	setfsgid(0);
}

static void file_system_ids(void)
{
	compare(&(struct own){ be_nobody_for_files, open_secret, is_refused, be_root_for_files });
}

static void be_in_groups(size_t count, const gid_t *groups)
{
	MUST(syscall(SYS_setresuid, -1, 0, -1));
	MUST(syscall(SYS_setgroups, count, groups));
	MUST(syscall(SYS_setresgid, -1, NOBODY, -1));
	MUST(syscall(SYS_setresuid, -1, NOBODY, -1));
}

static void leave_the_group(void)
{
	be_in_groups(0, NULL);
	CHECK_OP(open(secret, O_RDONLY), <, 0);
}

static void join_the_group(void)
{
	be_in_groups(1, (const gid_t[]){ OTHERS });
}

static void groups(void)
{
	compare(&(struct own){ leave_the_group, open_secret, is_refused, join_the_group });
}

static void groups_that_are_left_too_late(void)
{
	compare(&(struct own){ join_the_group, open_secret, is_opened, leave_the_group });
}

static void be_nobody(void)
{
	MUST(syscall(SYS_setresgid, NOBODY, NOBODY, -1));
	MUST(syscall(SYS_setresuid, -1, NOBODY, -1));
}

static void be_root_again(void)
{
	MUST(syscall(SYS_setresuid, -1, 0, -1));
	MUST(syscall(SYS_setresgid, -1, 0, -1));
}

static void users(void)
{
	compare(&(struct own){ be_nobody, open_secret, is_refused, be_root_again });
}

static void use_landlock(void)
{
	static bool is_done;
	struct landlock_ruleset_attr rules = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };

	if (is_done)
		return;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);

	if (fd < 0)
		SKIP("this kernel has no Landlock");
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(syscall(SYS_landlock_restrict_self, fd, 0));
	close(fd);
	CHECK_OP(open(secret, O_RDONLY), <, 0);
	is_done = true;
}

static void landlock(void)
{
	compare(&(struct own){ use_landlock, open_secret, is_refused, NULL });
}

static void use_a_filter(void)
{
	static bool is_done;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (is_done)
		return;
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	is_done = true;
}

static void is_as_the_filter_says(int res)
{
	/* The kernel makes no system call for its own rings. */
	if (is_soft(&ring))
		is_refused(res);
	else
		is_opened(res);
}

static void a_filter(void)
{
	compare(&(struct own){ use_a_filter, open_secret, is_as_the_filter_says, NULL });
}

static void have_a_directory(void)
{
	static bool is_done;

	if (is_done)
		return;
	MUST(unshare(CLONE_FS));
	MUST(chdir(folder));
	umask(0002);
	is_done = true;
}

static void make_a_file(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat(sqe, AT_FDCWD, "new", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
}

static void is_made_there(int res)
{
	struct stat status;
	char path[300];

	CHECK_OP(res, >=, 0);
	MUST(fstat(res, &status));
	CHECK_EQ(status.st_mode & 0777, 0664);
	MUST(snprintf(path, sizeof(path), "%s/new", folder));
	MUST(unlink(path));
	close(res);
}

static void directory_and_umask(void)
{
	umask(0077);
	compare(&(struct own){ have_a_directory, make_a_file, is_made_there, NULL });
}

static void make_a_folder(struct io_uring_sqe *sqe)
{
	io_uring_prep_mkdir(sqe, "new", 0777);
}

static void is_a_folder_there(int res)
{
	struct stat status;
	char path[300];

	CHECK_EQ(res, 0);
	MUST(snprintf(path, sizeof(path), "%s/new", folder));
	MUST(stat(path, &status));
	CHECK_EQ(status.st_mode & 0777, 0775);
	MUST(rmdir(path));
}

static void folders(void)
{
	umask(0077);
	compare(&(struct own){ have_a_directory, make_a_folder, is_a_folder_there, NULL });
}

static void have_a_network(void)
{
	static bool is_done;

	if (!is_done)
		MUST(unshare(CLONE_NEWNET));
	is_done = true;
}

static void make_a_socket(struct io_uring_sqe *sqe)
{
	io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0);
}

static uint64_t network_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	MUST(getsockopt(fd, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &cookie, &size));
	return cookie;
}

static void is_of_the_network(int res)
{
	CHECK_OP(res, >=, 0);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_EQ(network_of(res), network_of(fd));
	close(fd);
	close(res);
}

static void networks(void)
{
	compare(&(struct own){ have_a_network, make_a_socket, is_of_the_network, NULL });
}

static void have_mounts(void)
{
	static bool is_done;
	char path[300];

	if (is_done)
		return;
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("none", folder, "tmpfs", 0, NULL));
	MUST(snprintf(path, sizeof(path), "%s/inside", folder));
	close((int)MUST(open(path, O_CREAT | O_WRONLY, 0600)));
	is_done = true;
}

static void open_inside(struct io_uring_sqe *sqe)
{
	static char path[300];

	MUST(snprintf(path, sizeof(path), "%s/inside", folder));
	io_uring_prep_openat(sqe, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

static void mounts(void)
{
	compare(&(struct own){ have_mounts, open_inside, is_opened, NULL });
}

static int set_user_id_file;

/* Its owner, who writes to it: it is run with the owner's rights no more. Those of the superuser would leave that. */
static void own_a_program(void)
{
	be_nobody();
	MUST(fchmod(set_user_id_file, 04777));
}

static void write_to_it(struct io_uring_sqe *sqe)
{
	io_uring_prep_write(sqe, set_user_id_file, "x", 1, 0);
}

static void is_a_program_no_more(int res)
{
	struct stat status;

	CHECK_EQ(res, 1);
	MUST(fstat(set_user_id_file, &status));
	CHECK_EQ(status.st_mode & S_ISUID, 0);
}

static void set_user_id(void)
{
	set_user_id_file = (int)MUST(open("program", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	MUST(fchown(set_user_id_file, NOBODY, NOBODY));
	compare(&(struct own){ own_a_program, write_to_it, is_a_program_no_more, be_root_again });
}

/* Only a process of one thread can have another user namespace: it goes on with the ring of its parent. */
static void user_namespaces(void)
{
	prepare_files();
	warm_up();
	ring_init(&ring, 8, 0);
	pid_t pid = fork_child();

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER))
			exit(errno == EPERM || errno == ENOSPC ? SKIPPED : FAIL);
		CHECK_OP(open(secret, O_RDONLY), <, 0);
		own = &(struct own){ have_a_directory, open_secret, is_refused, NULL };
		/* With the kernel's rings, only the parent's threads do what is linked behind its timeouts. */
		try_one(INLINE);
		try_one(ASYNC);
		exit(PASS);
	}
	int status = exit_status(pid);

	if (status == SKIPPED)
		SKIP("no user namespaces here");
	CHECK_EQ(status, PASS);
	open_by(&warm, IOSQE_ASYNC);
}

TEST_PARTS(PART(capabilities), PART(capabilities_that_come_too_late), PART(file_system_ids), PART(groups),
	   PART(groups_that_are_left_too_late), PART(users), PART(landlock), PART(a_filter), PART(directory_and_umask),
	   PART(folders), PART(networks), PART(mounts), PART(set_user_id), PART(user_namespaces))

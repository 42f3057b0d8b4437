/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The line about rings in user space goes to where a user reads. A file of the program's that has descriptor 2, because
 * the program was started without stderr or has closed it, stays as the program left it.
 */
#include "../liburing/rings.h"
#include "../liburing/forbid.h"
#include <poll.h>
#include <sys/un.h>

enum { REPORT = 100 };

/* What checks say meanwhile goes to a copy, which nobody takes for stderr. */
static void leave_stderr(void)
{
	MUST(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, REPORT));
	MUST(close(STDERR_FILENO));
}

/* Makes a ring where the kernel's are forbidden, which is said if there is somebody to say it to. */
static void make_ring(void)
{
	struct io_uring ring;

	unsetenv("ANYRING_BACKING");
	forbid(SYS_io_uring_setup, EPERM);
	int ret = io_uring_queue_init(4, &ring, 0);

	MUST(dup2(REPORT, STDERR_FILENO));
	CHECK_EQ(ret, 0);
	io_uring_queue_exit(&ring);
}

/* What was said to a descriptor: nothing, or the one line. */
static bool was_told(int fd)
{
	char text[4096];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&ready, 1, 0) == 1 ? read(fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	CHECK(n <= 0 || (strstr(text, "anyring: io_uring is blocked here") == text && strchr(text, '\n')));
	return n > 0;
}

static void check_file(const char *name, const char *content)
{
	char text[4096] = "";
	int fd = (int)MUST(open(name, O_RDONLY));

	MUST(read(fd, text, sizeof(text) - 1));
	if (strcmp(text, content)) {
		fprintf(stderr, "  the file has '%s'\n", text);
		exit(FAIL);
	}
	close(fd);
}

static void data_files_are_left_alone(void)
{
	static const int flags[] = { O_WRONLY | O_TRUNC, O_WRONLY | O_APPEND, O_RDWR, O_RDWR | O_APPEND,
				     O_WRONLY | O_CLOEXEC, O_WRONLY | O_SYNC, O_WRONLY | O_TRUNC | O_APPEND };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int fd = (int)MUST(open("data", O_WRONLY | O_CREAT | O_TRUNC, 0600));

		MUST(write(fd, "content", 7));
		close(fd);
		pid_t child = fork_child();

		if (child == 0) {
			leave_stderr();
			if (open("data", flags[i]) != STDERR_FILENO)
				_exit(FAIL);
			make_ring();
			_exit(PASS);
		}
		CHECK_EQ(exit_status(child), PASS);
		check_file("data", flags[i] & O_TRUNC ? "" : "content");
	}
}

/* Two descriptors of one file are no redirection of both. */
static void data_files_with_two_descriptors(void)
{
	pid_t child = fork_child();

	if (child == 0) {
		leave_stderr();
		close(STDOUT_FILENO);
		if (open("data", O_WRONLY | O_CREAT, 0600) != STDOUT_FILENO || open("data", O_WRONLY) != STDERR_FILENO)
			_exit(FAIL);
		make_ring();
		_exit(PASS);
	}
	CHECK_EQ(exit_status(child), PASS);
	check_file("data", "");
}

static void a_pipe_of_its_own(void)
{
	int ends[2];

	leave_stderr();
	MUST(pipe(ends));
	CHECK_EQ(ends[0], STDERR_FILENO);
	ends[0] = (int)MUST(dup(ends[0]));
	MUST(dup2(ends[1], STDERR_FILENO));
	make_ring();
	CHECK(!was_told(ends[0]));
}

static void a_pair_of_its_own(void)
{
	int ends[2];

	leave_stderr();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	CHECK_EQ(ends[0], STDERR_FILENO);
	make_ring();
	CHECK(!was_told(ends[1]));
}

static int listener(struct sockaddr_un *name)
{
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	*name = (struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = "socket" };
	unlink(name->sun_path);
	MUST(bind(fd, (struct sockaddr *)name, sizeof(*name)));
	MUST(listen(fd, 4));
	return fd;
}

/* To a server, and from a client. */
static void connections_of_its_own(void)
{
	struct sockaddr_un name;
	int server = listener(&name), client, accepted;

	for (int side = 0; side < 2; side++) {
		client = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
		MUST(connect(client, (struct sockaddr *)&name, sizeof(name)));
		accepted = (int)MUST(accept(server, NULL, NULL));
		pid_t child = fork_child();

		if (child == 0) {
			leave_stderr();
			MUST(dup2(side ? accepted : client, STDERR_FILENO));
			make_ring();
			_exit(PASS);
		}
		CHECK_EQ(exit_status(child), PASS);
		CHECK(!was_told(side ? client : accepted));
		close(client);
		close(accepted);
	}
}

static void a_terminal_from_the_other_side(void)
{
	leave_stderr();
	CHECK_EQ(posix_openpt(O_RDWR | O_NOCTTY), STDERR_FILENO);
	MUST(grantpt(STDERR_FILENO));
	MUST(unlockpt(STDERR_FILENO));
	int slave = (int)MUST(open(ptsname(STDERR_FILENO), O_RDWR | O_NOCTTY));

	make_ring();
	CHECK(!was_told(slave));
}

/* A child has `theirs` as stderr; it came from this process, which reads at `ours`. */
static int ring_of_a_child(int theirs, int ours)
{
	pid_t child = fork_child();

	if (child == 0) {
		leave_stderr();
		MUST(dup2(theirs, STDERR_FILENO));
		close(theirs);
		if (ours >= 0)
			close(ours);
		make_ring();
		_exit(PASS);
	}
	return exit_status(child);
}

static void where_somebody_reads(void)
{
	int ends[2], master, slave;

	MUST(pipe(ends));
	CHECK_EQ(ring_of_a_child(ends[1], ends[0]), PASS);
	CHECK(was_told(ends[0]));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	CHECK_EQ(ring_of_a_child(ends[1], ends[0]), PASS);
	CHECK(was_told(ends[0]));
	master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(grantpt(master));
	MUST(unlockpt(master));
	slave = (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	CHECK_EQ(ring_of_a_child(slave, master), PASS);
	CHECK(was_told(master));
}

/* As `>log 2>&1` and `>>log 2>&1` have it. */
static void a_redirection_of_both(void)
{
	for (int append = 0; append < 2; append++) {
		int fd = (int)MUST(open("log", O_WRONLY | O_CREAT | (append ? O_APPEND : 0), 0600));
		pid_t child = fork_child();

		if (child == 0) {
			leave_stderr();
			MUST(dup2(fd, STDOUT_FILENO));
			MUST(dup2(fd, STDERR_FILENO));
			make_ring();
			_exit(PASS);
		}
		CHECK_EQ(exit_status(child), PASS);
		close(fd);
		fd = (int)MUST(open("log", O_RDONLY));
		CHECK(was_told(fd));
		close(fd);
		MUST(unlink("log"));
	}
}

/* The journal of a service manager is a connection by its number. */
static void a_journal(void)
{
	struct sockaddr_un name;
	struct stat status;
	char numbers[64];
	int server = listener(&name), client, accepted;

	for (int is_journal = 0; is_journal < 2; is_journal++) {
		client = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
		MUST(connect(client, (struct sockaddr *)&name, sizeof(name)));
		accepted = (int)MUST(accept(server, NULL, NULL));
		MUST(fstat(client, &status));
		snprintf(numbers, sizeof(numbers), "%lu:%lu", (unsigned long)status.st_dev,
			 (unsigned long)status.st_ino + !is_journal);
		setenv("JOURNAL_STREAM", numbers, 1);
		CHECK_EQ(ring_of_a_child(client, accepted), PASS);
		CHECK_EQ(was_told(accepted), is_journal);
		close(client);
		close(accepted);
	}
}

/* No signal comes, and nobody waits. */
static void readers_that_are_gone_or_late(void)
{
	char bytes[4096] = "";
	int ends[2];

	MUST(pipe(ends));
	close(ends[0]);
	CHECK_EQ(ring_of_a_child(ends[1], -1), PASS);
	MUST(pipe2(ends, O_NONBLOCK));
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	MUST(fcntl(ends[1], F_SETFL, 0));
	CHECK_EQ(ring_of_a_child(ends[1], ends[0]), PASS);
}

TEST_PARTS(PART(data_files_are_left_alone), PART(data_files_with_two_descriptors), PART(a_pipe_of_its_own),
	   PART(a_pair_of_its_own), PART(connections_of_its_own), PART(a_terminal_from_the_other_side),
	   PART(where_somebody_reads), PART(a_redirection_of_both), PART(a_journal), PART(readers_that_are_gone_or_late))

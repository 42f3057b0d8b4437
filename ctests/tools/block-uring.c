/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * block-uring [-e ERRNO] [-c CALL]... [-t VALUE]... COMMAND [ARGUMENT...]
 *
 * Runs a command for which io_uring_setup, io_uring_enter and io_uring_register (425 to 427) are
 * blocked, as by the seccomp policy of a container: they answer EPERM, or the error number of -e (38,
 * ENOSYS, is a kernel without io_uring). With -c only the calls of these numbers are blocked, with -t only
 * those whose third argument is one of these values.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MAX_CALLS = 16, USAGE = 2, CANNOT_RUN = 126 };

static void fail(const char *what)
{
	fprintf(stderr, "block-uring: %s: %s\n", what, strerror(errno));
	exit(CANNOT_RUN);
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || value > 4095) {
		fprintf(stderr, "block-uring: %s is no number of a call or an error\n", text);
		exit(USAGE);
	}
	return (unsigned)value;
}

struct numbers {
	unsigned all[MAX_CALLS], nr;
};

/* Loads a word and allows the call unless it is one of the numbers. */
static unsigned look(struct sock_filter *code, size_t word, const struct numbers *numbers)
{
	unsigned at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)word);
	for (unsigned i = 0; i < numbers->nr; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers->all[i],
							  (unsigned char)(numbers->nr - i), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return at;
}

static void block(const struct numbers *calls, const struct numbers *values, unsigned error)
{
	struct sock_filter code[2 * MAX_CALLS + 5];
	unsigned at = look(code, offsetof(struct seccomp_data, nr), calls);

	if (values->nr)
		at += look(code + at, offsetof(struct seccomp_data, args[2]), values);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);

	struct sock_fprog program = { .len = (unsigned short)at, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("PR_SET_NO_NEW_PRIVS");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		fail("PR_SET_SECCOMP");
}

int main(int argc, char **argv)
{
	struct numbers calls = { .nr = 0 }, values = { .nr = 0 }, uring = { { 425, 426, 427 }, 3 };
	unsigned error = EPERM;
	int option;

	while ((option = getopt(argc, argv, "+e:c:t:")) != -1) {
		if (option == 'e')
			error = number(optarg);
		else if (option == 'c' && calls.nr < MAX_CALLS)
			calls.all[calls.nr++] = number(optarg);
		else if (option == 't' && values.nr < MAX_CALLS)
			values.all[values.nr++] = number(optarg);
		else
			return USAGE;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: block-uring [-e ERRNO] [-c CALL]... [-t VALUE]... COMMAND [ARGUMENT...]\n");
		return USAGE;
	}
	block(calls.nr ? &calls : &uring, &values, error);
	execvp(argv[optind], argv + optind);
	fail(argv[optind]);
}

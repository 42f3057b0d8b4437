/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that can make no thread. */
#ifndef CTESTS_ALLOW_NO_THREADS_H
#define CTESTS_ALLOW_NO_THREADS_H

#include "check.h"
#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>

static inline void *nothing(void *arg)
{
	return arg;
}

/* From here on this process, which belongs to nobody else, makes no thread. */
static inline void allow_no_threads(void)
{
	struct rlimit limit = { 1, 1 };
	pthread_t thread;

	if (geteuid() == 0) {
		MUST(setgroups(0, NULL));
		MUST(setresgid(54321, 54321, 54321));
	}
	MUST(setrlimit(RLIMIT_NPROC, &limit));
	if (geteuid() == 0)
		MUST(setresuid(54321, 54321, 54321));
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		SKIP("the limit of processes does not keep threads from being made");
}

#endif

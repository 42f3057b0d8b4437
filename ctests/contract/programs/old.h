/* Checks for programs that are built with an older liburing. */
#ifndef OLD_H
#define OLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);  \
			exit(1);                                                \
		}                                                               \
	} while (0)

#define CHECK_EQ(have, want)                                                    \
	do {                                                                    \
		long long have_ = (have), want_ = (want);                       \
		if (have_ != want_) {                                           \
			printf("%s:%d: %s is %lld, expected %lld\n", __FILE__,  \
			       __LINE__, #have, have_, want_);                  \
			exit(1);                                                \
		}                                                               \
	} while (0)

/* Print "library: " and the path of the liburing in this process. */
static inline void print_library(void)
{
	char line[4096], path[4096];
	FILE *maps = fopen("/proc/self/maps", "r");

	CHECK(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %4095s", path) == 1 && strstr(path, "/liburing"))
			printf("library: %s\n", path);
	}
	fclose(maps);
}

/* Wait for one completion, check its user_data, and return its result. */
static inline int reap(struct io_uring *ring, unsigned long long data)
{
	struct io_uring_cqe *cqe;
	int res;

	CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, data);
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

#endif

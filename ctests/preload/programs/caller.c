/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program that makes a ring by syscall() and enters it as WAY says: by syscall() as well; by an instruction of its
 * own, with the number in place or from a variable; by a function of its own for any call; by syscall(), beside such a
 * function. Prints the result of a NOP, or the error. All of them have some call of their own, and the numbers of the ring's calls in other places.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_CALL(result, number, a, b, c, d, e, f) do {                                 \
	register long r10 __asm__("r10") = (long)(d);                                   \
	register long r8 __asm__("r8") = (long)(e);                                     \
	register long r9 __asm__("r9") = (long)(f);                                     \
	__asm__ volatile("syscall" : "=a"(result) : "a"((long)(number)), "D"((long)(a)), "S"((long)(b)), \
			 "d"((long)(c)), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory"); \
} while (0)
#elif defined(__aarch64__)
#define OWN_CALL(result, number, a, b, c, d, e, f) do {                                 \
	register long x8 __asm__("x8") = (long)(number);                                \
	register long x0 __asm__("x0") = (long)(a);                                     \
	register long x1 __asm__("x1") = (long)(b);                                     \
	register long x2 __asm__("x2") = (long)(c);                                     \
	register long x3 __asm__("x3") = (long)(d);                                     \
	register long x4 __asm__("x4") = (long)(e);                                     \
	register long x5 __asm__("x5") = (long)(f);                                     \
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory"); \
	(result) = x0;                                                                  \
} while (0)
#endif

#define BY_SYSCALL 0
#define IN_PLACE 1
#define FROM_VARIABLE 2
#define BY_FUNCTION 3
#define BESIDE_FUNCTION 4

#if WAY >= BY_FUNCTION
__attribute__((noinline)) static long own_call(long number, long a, long b, long c, long d, long e, long f)
{
	long result;

	OWN_CALL(result, number, a, b, c, d, e, f);
	return result;
}
#endif

/* Of the only thread, which has two numbers for it. */
static int own_id(int which)
{
	long id;

#if WAY >= BY_FUNCTION
	id = own_call(which % 2 ? SYS_getpid : SYS_gettid, 0, 0, 0, 0, 0, 0);
#else
	OWN_CALL(id, which % 2 ? SYS_getpid : SYS_gettid, 0, 0, 0, 0, 0, 0);
#endif
	return (int)id;
}

/* As an assertion that stands in this line. */
__attribute__((noinline)) static int is_line(int value, int line)
{
	return value == line || own_id(value) != getpid();
}

static long enter(int fd, unsigned int submit, unsigned int wait)
{
	long result;

#if WAY == BY_SYSCALL || WAY == BESIDE_FUNCTION
	result = syscall(SYS_io_uring_enter, fd, submit, wait, IORING_ENTER_GETEVENTS, NULL, 0L);
#elif WAY == IN_PLACE
	OWN_CALL(result, SYS_io_uring_enter, fd, submit, wait, IORING_ENTER_GETEVENTS, 0, 0);
#elif WAY == FROM_VARIABLE
	volatile long number = SYS_io_uring_enter;

	OWN_CALL(result, number, fd, submit, wait, IORING_ENTER_GETEVENTS, 0, 0);
#elif WAY == BY_FUNCTION
	result = own_call(SYS_io_uring_enter, fd, submit, wait, IORING_ENTER_GETEVENTS, 0, 0);
#endif
	return result;
}

static void *mapped(int fd, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

static int nop(int fd, const struct io_uring_params *p)
{
	char *sq = mapped(fd, p->sq_off.array + p->sq_entries * 4, IORING_OFF_SQ_RING);
	char *cq = mapped(fd, p->cq_off.cqes + p->cq_entries * 16, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqes = mapped(fd, p->sq_entries * sizeof(*sqes), IORING_OFF_SQES);
	unsigned int *tail = (void *)(sq + p->sq_off.tail), *cq_tail = (void *)(cq + p->cq_off.tail);

	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return puts("not mapped"), 1;
	sqes[0] = (struct io_uring_sqe){ .opcode = IORING_OP_NOP };
	*(unsigned int *)(void *)(sq + p->sq_off.array) = 0;
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	if (enter(fd, 1, 1) != 1 || __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE) != 1)
		return puts("nothing happens"), 1;
	puts(close(fd) ? strerror(errno) : "served");
	return 0;
}

int main(int argc, char **argv)
{
	struct io_uring_params params = { 0 };

	if (is_line(argc, 426) || is_line(argc + argv[0][0], 427))
		return 2;
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0) {
		puts(errno == EPERM ? "EPERM" : errno == ENOSYS ? "ENOSYS" : strerror(errno));
		return 1;
	}
	return nop(fd, &params);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Linked into a library whose blocks each set a flag when they run (LLVM's SanitizerCoverage). The flags are put into
 * a file, COVERAGE_FILE, that all processes share: it keeps what they did, however they end.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Called before other code of the library runs. counters.ld has the flags begin and end with a page. */
void __sanitizer_cov_bool_flag_init(uint8_t *start, uint8_t *stop);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

void __sanitizer_cov_bool_flag_init(uint8_t *start, uint8_t *stop)
{
	static int done;
	int fd;

	if (done++)
		return;
	fd = open(COVERAGE_FILE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	mmap(start, stop - start, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
}

/* The report reads this table in the library's file. */
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
	(void)start;
	(void)stop;
}

/* What code that is not optimised names, and never calls: nothing unwinds. */
void rust_eh_personality(void);
void rust_eh_personality(void)
{
	__builtin_trap();
}

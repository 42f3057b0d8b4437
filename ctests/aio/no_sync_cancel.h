/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A kernel before 6.0, which does not know IORING_REGISTER_SYNC_CANCEL. */
#ifndef CTESTS_AIO_NO_SYNC_CANCEL_H
#define CTESTS_AIO_NO_SYNC_CANCEL_H

#include "../liburing/check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* From here on, register calls with that opcode answer EINVAL in this process. */
static inline void no_sync_cancel(void)
{
	enum { IORING_REGISTER_SYNC_CANCEL_NR = 24 };
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IORING_REGISTER_SYNC_CANCEL_NR, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

#endif

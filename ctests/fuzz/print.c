/* Programs in words. */
#include "program.h"

#include <stdio.h>

#define N(name) [IORING_OP_##name] = #name
static const char *const names[IORING_OP_LAST] = {
    N(NOP), N(READV), N(WRITEV), N(FSYNC), N(READ_FIXED), N(WRITE_FIXED), N(POLL_ADD), N(POLL_REMOVE),
    N(SYNC_FILE_RANGE), N(TIMEOUT), N(TIMEOUT_REMOVE), N(ASYNC_CANCEL), N(LINK_TIMEOUT), N(FALLOCATE), N(OPENAT),
    N(CLOSE), N(FILES_UPDATE), N(STATX), N(READ), N(WRITE), N(FADVISE), N(MADVISE), N(SEND), N(RECV), N(SPLICE),
    N(PROVIDE_BUFFERS), N(REMOVE_BUFFERS), N(TEE), N(SHUTDOWN), N(RENAMEAT), N(UNLINKAT), N(MKDIRAT), N(SYMLINKAT),
    N(LINKAT), N(MSG_RING), N(FGETXATTR), N(SOCKET), N(FTRUNCATE),
    N(ACCEPT), N(CONNECT), N(SENDMSG), N(RECVMSG), N(EPOLL_CTL), N(OPENAT2), N(FSETXATTR), N(SETXATTR), N(GETXATTR),
    N(SEND_ZC), N(SENDMSG_ZC), N(READ_MULTISHOT), N(WAITID), N(FIXED_FD_INSTALL), N(BIND), N(LISTEN), N(PIPE),
    N(EPOLL_WAIT), N(READV_FIXED), N(WRITEV_FIXED), N(URING_CMD),
};

const char *opcode_name(unsigned opcode)
{
    static char number[16];
    if (opcode < IORING_OP_LAST && names[opcode])
        return names[opcode];
    snprintf(number, sizeof(number), "%u", opcode);
    return number;
}

static void print_sqe(const struct io_uring_sqe *sqe, bool stays)
{
    printf("    {.user_data = %llu, .opcode = %s, .fd = %d", (unsigned long long)sqe->user_data,
           opcode_name(sqe->opcode), sqe->fd);
#define SHOW(field) \
    if (sqe->field) \
        printf(", ." #field " = %#llx", (unsigned long long)sqe->field)
    SHOW(flags);
    SHOW(ioprio);
    SHOW(off);
    SHOW(addr);
    SHOW(len);
    SHOW(rw_flags);
    SHOW(buf_index);
    SHOW(personality);
    SHOW(splice_fd_in);
    SHOW(addr3);
#undef SHOW
    puts(stays ? "} stays" : "}");
}

static const char *const acts[] = {"write", "connect", "shutdown"};

void print_program(const struct program *p)
{
    printf("  setup(%u, flags %#x, CQ %u)\n", p->entries, p->setup_flags, p->cq_entries);
    for (unsigned i = 0; i < p->nr; i++) {
        const struct step *s = &p->steps[i];
        if (s->kind == STEP_SQE)
            print_sqe(&s->sqe, s->stays);
        else if (s->kind == STEP_REGISTER)
            printf("  register(%u, %#llx, %u)\n", s->reg.opcode, (unsigned long long)s->reg.arg, s->reg.nr);
        else if (s->kind == STEP_ACT)
            printf("  %s(%d, %u)\n", acts[s->act.what], s->act.fd, s->act.count);
        else if (s->kind == STEP_EXPECT)
            printf("  wait for a CQE of %u\n", s->of + 1);
        else if (s->kind == STEP_SETTLE)
            puts("  submit, wait for what ends by itself");
        else if (s->kind == STEP_ALL)
            printf("  submit, wait for all%s\n", s->ordered ? ", in order" : "");
    }
}

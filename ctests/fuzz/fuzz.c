/* The same random programs on the kernel's rings and on those in user space; see HACKING.md, "Fuzzing". */
#define _GNU_SOURCE
#include "program.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 50 /* programs that a process runs: each on a ring of its own */
#define BATCH_SECONDS 20

static struct trace *traces[2]; /* shared with the processes that run programs */
static struct program programs[BATCH];
static const char *servers[2] = {"kernel", "soft"};
static char scratch[64];

static pid_t start(int side, const struct program *p, unsigned n)
{
    memset(traces[side], 0, n * sizeof(struct trace));
    fflush(stdout);
    pid_t child = fork();
    if (child)
        return child;
    char directory[100];
    snprintf(directory, sizeof(directory), "%s/%d", scratch, side);
    if (chdir(directory) || setenv("ANYRING_BACKING", servers[side], 1))
        _exit(1);
    alarm(BATCH_SECONDS);
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < n; i++)
        run_program(&p[i], &traces[side][i]);
    _exit(0);
}

static void run_both(const struct program *p, unsigned n)
{
    pid_t children[2] = {start(0, p, n), start(1, p, n)};
    for (int side = 0; side < 2; side++) {
        int status;
        if (waitpid(children[side], &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status)))
            exit(2);
    }
}

/* The index of the first event that differs, or -1. */
static int difference(unsigned i)
{
    const struct trace *a = &traces[0][i], *b = &traces[1][i];
    for (unsigned k = 0; k < a->nr && k < b->nr; k++)
        if (memcmp(&a->events[k], &b->events[k], sizeof(struct event)))
            return (int)k;
    if (a->nr != b->nr || !a->complete || !b->complete)
        return (int)(a->nr < b->nr ? a->nr : b->nr);
    return -1;
}

static bool fails(const struct program *p)
{
    run_both(p, 1);
    return difference(0) >= 0;
}

/* Takes steps `at` to `at + n` out. user_data names a step's slot, so a request keeps its own. */
static bool without(struct program *p, unsigned at, unsigned n)
{
    struct program less = *p;
    for (unsigned i = at; i < at + n; i++)
        memset(&less.steps[i], 0, sizeof(less.steps[i]));
    for (unsigned i = at; i < at + n; i++)
        less.steps[i].kind = STEP_WAIT; /* for no CQE: nothing */
    if (!fails(&less))
        return false;
    *p = less;
    return true;
}

static bool is_nothing(const struct step *s)
{
    return s->kind == STEP_WAIT && !s->count;
}

static void shrink_fields(struct program *p, unsigned i)
{
    static const struct {
        unsigned offset, size;
    } fields[] = {{1, 1}, {2, 2}, {8, 8}, {28, 4}, {40, 2}, {42, 2}, {44, 4}, {48, 8}};
    for (unsigned f = 0; f < sizeof(fields) / sizeof(*fields); f++) {
        struct program less = *p;
        memset((char *)&less.steps[i].sqe + fields[f].offset, 0, fields[f].size);
        if (memcmp(&less, p, sizeof(less)) && fails(&less))
            *p = less;
    }
}

static void shrink(struct program *p)
{
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (unsigned n = 16; n; n /= 2)
            for (unsigned at = 0; at + n <= p->nr; at += n) {
                bool empty = true;
                for (unsigned i = at; i < at + n; i++)
                    empty = empty && is_nothing(&p->steps[i]);
                if (!empty && without(p, at, n))
                    smaller = true;
            }
    }
    for (unsigned i = 0; i < p->nr; i++)
        if (p->steps[i].kind == STEP_SQE)
            shrink_fields(p, i);
    struct program less = *p;
    less.setup_flags = 0;
    if (fails(&less))
        *p = less;
}

static void print_event(const char *who, const struct trace *t, unsigned k)
{
    static const char *const kinds[] = {"CQE", "call", "hang", "state"};
    if (k >= t->nr)
        printf("    %-7s %s\n", who, t->complete ? "nothing more" : "the process died");
    else
        printf("    %-7s %s %llu: %lld, flags %#x\n", who, kinds[t->events[k].kind],
               (unsigned long long)t->events[k].what, (long long)t->events[k].result, t->events[k].flags);
}

static void report(struct program *p)
{
    struct program whole = *p;
    if (!fails(p)) {
        printf("seed %#llx differed in its batch, but not alone\n", (unsigned long long)p->seed);
        return;
    }
    shrink(p);
    for (unsigned tries = 0; tries < 5 && !fails(p); tries++)
        ;
    printf("seed %#llx, shrunk:\n", (unsigned long long)whole.seed);
    print_program(p);
    int k = difference(0);
    for (int side = 0; k >= 0 && side < 2; side++)
        print_event(servers[side], &traces[side][0], (unsigned)k);
    fflush(stdout);
}

static void find_opcodes(bool allowed[256], const char *only)
{
    for (int side = 0; side < 2; side++) {
        setenv("ANYRING_BACKING", servers[side], 1);
        struct io_uring_probe *probe = io_uring_get_probe();
        for (unsigned op = 0; op < 256; op++)
            allowed[op] = (side == 0 || allowed[op]) && probe && io_uring_opcode_supported(probe, (int)op);
        io_uring_free_probe(probe);
    }
    for (unsigned op = 0; only && op < 256; op++) {
        char list[1024], *rest = list, *word;
        snprintf(list, sizeof(list), "%s", only);
        bool named = op == IORING_OP_NOP;
        while ((word = strsep(&rest, ",")))
            named = named || !strcasecmp(word, opcode_name(op));
        allowed[op] = allowed[op] && named;
    }
}

static unsigned count_sqes(const struct program *p)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->nr; i++)
        n += p->steps[i].kind != STEP_REGISTER && !is_nothing(&p->steps[i]); /* barriers are NOPs */
    return n;
}

static void make_scratch(void)
{
    const char *in = getenv("TMPDIR");
    char path[100];
    snprintf(scratch, sizeof(scratch), "%.40s/fuzz-XXXXXX", in ? in : "/tmp");
    if (!mkdtemp(scratch))
        exit(2);
    for (int side = 0; side < 2; side++) {
        snprintf(path, sizeof(path), "%s/%d", scratch, side);
        mkdir(path, 0700);
        traces[side] = mmap(NULL, BATCH * sizeof(struct trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
}

static int usage(void)
{
    fputs("usage: fuzz [--seed N] [--sqes N] [--failures N] [--ops NAME,...] [--against kernel|soft] [--print]\n"
          "            [--only SEED]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", 1, 0, 's'}, {"sqes", 1, 0, 'n'}, {"failures", 1, 0, 'f'}, {"ops", 1, 0, 'o'},
        {"against", 1, 0, 'a'}, {"print", 0, 0, 'p'}, {"only", 1, 0, '1'}, {0},
    };
    uint64_t seed = 1;
    unsigned long sqes = 20000, done = 0, found = 0, failures = 1, count = 0;
    const char *only = NULL;
    bool print = false, alone = false, allowed[256];
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case '1': seed = strtoull(optarg, NULL, 0); alone = true; break;
        case 'n': sqes = strtoul(optarg, NULL, 0); break;
        case 'f': failures = strtoul(optarg, NULL, 0); break;
        case 'o': only = optarg; break;
        case 'a': servers[1] = optarg; break;
        case 'p': print = true; break;
        default: return usage();
        }
    }
    make_scratch();
    find_opcodes(allowed, only);
    time_t started = time(NULL);
    while (done < sqes && found < failures && !(alone && count)) {
        unsigned n = alone ? 1 : BATCH;
        for (unsigned i = 0; i < n; i++) {
            generate(&programs[i], seed++, allowed);
            done += count_sqes(&programs[i]);
        }
        if (print)
            print_program(&programs[0]);
        run_both(programs, n);
        count += n;
        unsigned differing[BATCH], nr = 0;
        for (unsigned i = 0; i < n; i++)
            if (difference(i) >= 0)
                differing[nr++] = i;
        for (unsigned i = 0; i < nr && found < failures; i++, found++)
            report(&programs[differing[i]]);
    }
    printf("%lu programs, %lu SQEs, %ld s: %lu differ (%s, %s)\n", count, done, (long)(time(NULL) - started), found,
           servers[0], servers[1]);
    char command[100];
    snprintf(command, sizeof(command), "rm -r '%s'", scratch);
    return system(command) || found ? 1 : 0;
}

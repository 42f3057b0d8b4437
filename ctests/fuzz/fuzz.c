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
#define BATCH_SECONDS 120
#define PATIENCE_MS 4000
#define SHORT_PATIENCE_MS 600 /* when a failure is known already */

static struct trace *traces[2]; /* shared with the processes that run programs */
static struct program programs[BATCH];
static const char *servers[2] = {"kernel", "soft"};
static char scratch[64];
static unsigned patience_ms = PATIENCE_MS;

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
        run_program(&p[i], &traces[side][i], patience_ms);
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

static bool same(const struct event *a, const struct event *b)
{
    return a->kind == b->kind && a->what == b->what && a->result == b->result && a->flags == b->flags;
}

/* The index of the first event that differs, or -1. */
static int differ(const struct trace *a, const struct trace *b)
{
    for (unsigned k = 0; k < a->nr && k < b->nr; k++)
        if (!same(&a->events[k], &b->events[k]))
            return (int)k;
    if (a->nr != b->nr || !a->complete || !b->complete)
        return (int)(a->nr < b->nr ? a->nr : b->nr);
    return -1;
}

static int difference(unsigned i)
{
    return differ(&traces[0][i], &traces[1][i]);
}

/* Whether the servers differ, and the first does not hang. */
static bool fails_once(const struct program *p)
{
    run_both(p, 1);
    return difference(0) >= 0 && !traces[0][0].hung;
}

/* Whether it differs again and again, while the first server agrees with itself. */
static bool fails(const struct program *p)
{
    static struct trace before;
    if (!fails_once(p))
        return false;
    before = traces[0][0];
    return fails_once(p) && differ(&before, &traces[0][0]) < 0;
}

/* Takes steps `from` to `to` out. user_data names a step's slot, so a request keeps its own. */
static bool without(struct program *p, unsigned from, unsigned to)
{
    struct program less = *p;
    bool any = false;
    for (unsigned i = from; i < to; i++) {
        any = any || p->steps[i].kind != STEP_NOTHING;
        memset(&less.steps[i], 0, sizeof(less.steps[i]));
    }
    if (!any || !fails(&less))
        return false;
    *p = less;
    return true;
}

static void shrink_fields(struct program *p, unsigned i)
{
    static const struct {
        unsigned offset, size;
    } fields[] = {{1, 1}, {2, 2}, {8, 8}, {28, 4}, {40, 2}, {42, 2}, {44, 4}, {48, 8}};
    for (unsigned f = 0; f < sizeof(fields) / sizeof(*fields); f++) {
        struct program less = *p;
        if (fields[f].offset == 1 && p->steps[i].sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK))
            continue; /* chains stay chains */
        memset((char *)&less.steps[i].sqe + fields[f].offset, 0, fields[f].size);
        if (memcmp(&less, p, sizeof(less)) && fails(&less))
            *p = less;
    }
}

/* Whole groups first, then single steps but barriers, then fields. */
static void shrink(struct program *p)
{
    for (unsigned from = 0, i = 0; i < p->nr; i++)
        if (p->steps[i].kind == STEP_ALL) {
            without(p, from, i + 1);
            from = i + 1;
        }
    for (unsigned i = 0; i < p->nr; i++)
        if (p->steps[i].kind != STEP_ALL && p->steps[i].kind != STEP_SETTLE)
            without(p, i, i + 1);
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
    static const char *const kinds[] = {"call", "CQE", "order", "hang", "state"};
    if (k >= t->nr)
        printf("    %-7s %s\n", who, t->complete ? "nothing more" : "the process died");
    else
        printf("    %-7s %s %llu: %lld, flags %#x\n", who, kinds[t->events[k].kind],
               (unsigned long long)t->events[k].what, (long long)t->events[k].result, t->events[k].flags);
}

static void print_difference(unsigned i)
{
    int k = difference(i);
    for (int side = 0; k >= 0 && side < 2; side++)
        print_event(servers[side], &traces[side][i], (unsigned)k);
    fflush(stdout);
}

/* Tries to have it differ once more. */
static bool again(const struct program *p, unsigned tries)
{
    while (tries--)
        if (fails_once(p))
            return true;
    return false;
}

static unsigned hang_of(const struct trace *t)
{
    unsigned k = 0;
    while (k < t->nr && t->events[k].kind != EVENT_HANG)
        k++;
    return k;
}

static void report(struct program *p)
{
    uint64_t seed = p->seed;
    if (traces[0][p - programs].hung) {
        printf("seed %llu hangs on the %s:\n", (unsigned long long)seed, servers[0]);
        print_program(p);
        print_event(servers[0], &traces[0][p - programs], hang_of(&traces[0][p - programs]));
        fflush(stdout);
        return;
    }
    patience_ms = SHORT_PATIENCE_MS;
    if (!fails(p)) {
        bool comes_again = again(p, 20);
        printf("seed %llu differed in its batch%s\n", (unsigned long long)seed, comes_again ? ", now and then:" : ", but not alone");
        if (comes_again) {
            print_program(p);
            print_difference(0);
        }
    } else {
        shrink(p);
        printf("seed %llu, shrunk:\n", (unsigned long long)seed);
        print_program(p);
        again(p, 5);
        print_difference(0);
    }
    patience_ms = PATIENCE_MS;
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
        n += p->steps[i].kind == STEP_SQE;
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
        if (print)
            for (unsigned k = 0; k < traces[0][0].nr; k++)
                if (traces[0][0].events[k].kind != EVENT_STATE)
                    print_event(servers[0], &traces[0][0], k);
        unsigned differing[BATCH], nr = 0;
        for (unsigned i = 0; i < n; i++)
            if (difference(i) >= 0 || traces[0][i].hung)
                differing[nr++] = i;
        for (unsigned i = 0; i < nr; i++) {
            printf("seed %llu:\n", (unsigned long long)programs[differing[i]].seed);
            print_difference(differing[i]);
        }
        for (unsigned i = 0; i < nr && found < failures; i++, found++)
            report(&programs[differing[i]]);
    }
    printf("%lu programs, %lu SQEs, %ld s: %lu differ (%s, %s)\n", count, done, (long)(time(NULL) - started), found,
           servers[0], servers[1]);
    char command[100];
    snprintf(command, sizeof(command), "rm -r '%s'", scratch);
    return system(command) || found ? 1 : 0;
}

/* What makes programs, beneath generate(). */
#ifndef ANYRING_FUZZ_GENERATE_H
#define ANYRING_FUZZ_GENERATE_H

#include "program.h"

extern const bool *may; /* opcodes */

void seed_random(uint64_t seed);
uint64_t next(void);
unsigned below(unsigned n);
bool one_in(unsigned n);

#define PICK(...) \
    ((const uint64_t[]){__VA_ARGS__}[below(sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))])

struct step *add(struct program *p, enum step_kind kind);
struct io_uring_sqe *add_sqe(struct program *p, unsigned opcode);
/* The memory of a request's own. */
uint64_t slot_of(const struct io_uring_sqe *sqe);

/* Adds a random request that ends by itself; `changing`: it may change what others see. */
void one(struct program *p, bool changing, unsigned flags);

/* Groups of requests that wait for something. */
void pending(struct program *p);
void streaming(struct program *p);

#endif

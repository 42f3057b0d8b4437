# Running and testing. Each target sees to the Debian packages that it needs by itself.

.PHONY: run test check lint setup-run setup-test
setup-run:
	@ctests/setup ctests/packages-run

setup-test:
	@ctests/setup ctests/packages-run ctests/packages-test ctests/peers/packages capi/fio/packages

run: setup-run
	@$(MAKE) --no-print-directory stage
	@ctests/examples/run-ring-cp
	@ctests/examples/run-aio-read

# Our own tests, by face.
TESTS := ctests/liburing ctests/libaio ctests/aio ctests/preload ctests/fio ctests/backing ctests/contract
# Those that run a second time where io_uring is blocked, on rings in user space.
BLOCKED_TESTS := ctests/liburing ctests/libaio ctests/aio ctests/preload/fio \
    $(wildcard ctests/preload/*.c)

# Everything: style, unit tests, the C tests, and other people's programs and test suites on ours.
test: setup-test
	@$(MAKE) --no-print-directory lint
	$(CARGO) test --workspace --locked --quiet
	@$(MAKE) --no-print-directory models
	@$(MAKE) --no-print-directory stage fio headers-check
	ctests/run $(TESTS) ctests/install ctests/peers
	@$(MAKE) --no-print-directory blocked
	@$(MAKE) --no-print-directory soak-checked
	@$(MAKE) --no-print-directory fuzz-memory fuzz-process STRESS_SECONDS=16
	@$(MAKE) --no-print-directory sanitize SANITIZE_FILTER='liburing/(ops-nop|buf-ring)\.c|libaio/ops\.c'
	@$(MAKE) --no-print-directory inject INJECT_FLAGS='--step 9 --jobs 4'

check: setup-test
	@$(MAKE) --no-print-directory stage fio
	ctests/run $(TESTS)

# Our tests of the faces, and liburing's, where a seccomp policy forbids io_uring.
.PHONY: blocked
blocked: setup-test
	@$(MAKE) --no-print-directory stage
	$(CC) -O2 -Wall -Wextra -Werror ctests/tools/block-uring.c -o $(BUILD)/block-uring
	ctests/run --under $(BUILD)/block-uring $(BLOCKED_TESTS)
	ctests/peers/liburing-suite --blocked

# The ring algorithms, in every interleaving of a few threads.
.PHONY: models
models:
	cd models && RUSTFLAGS='--cfg loom' $(CARGO) test --release --locked --quiet

# Ten minutes of mixed operations on rings in user space: nothing may be left behind.
SOAK_SECONDS ?= 600
.PHONY: soak
soak: setup-test
	@$(MAKE) --no-print-directory stage
	$(CC) -O2 -g -Wall -Wextra -Werror -Wno-unused-function ctests/soak/soak.c -o $(BUILD)/soak \
	    -I$(STAGE)/include -L$(STAGE)/lib -Wl,-rpath,$(STAGE)/lib -luring -pthread
	ANYRING_BACKING=soft $(BUILD)/soak $(SOAK_SECONDS)

# A little of it on a heap that notices when freed memory is written to.
CHECKED := $(BUILD)/checked
.PHONY: soak-checked
soak-checked: setup-test
	@$(MAKE) --no-print-directory stage
	mkdir -p $(CHECKED)
	CARGO_TARGET_DIR=$(CURDIR)/target/checked RUSTFLAGS='--cfg checked_heap' $(MAKE) --no-print-directory \
	    BUILD=$(CHECKED) URING_ARCHIVE=target/checked/release/libanyring_liburing.a $(CHECKED)/liburing.so.2
	LD_LIBRARY_PATH=$(CHECKED) $(MAKE) --no-print-directory soak SOAK_SECONDS=15

# Random programs of SQEs, on the kernel's rings and on those in user space: what differs is shrunk and printed.
FUZZ_SQES ?= 1000000
FUZZ_SEED ?= 1
FUZZ_FAILURES ?= 10
.PHONY: fuzz
fuzz: setup-test
	@$(MAKE) --no-print-directory stage
	$(CC) -O2 -g -Wall -Wextra -Werror $(wildcard ctests/fuzz/*.c) -o $(BUILD)/fuzz \
	    -I$(STAGE)/include -L$(STAGE)/lib -Wl,-rpath,$(STAGE)/lib -luring -pthread
	TMPDIR=$(BUILD) $(BUILD)/fuzz --seed $(FUZZ_SEED) --sqes $(FUZZ_SQES) --failures $(FUZZ_FAILURES)

SHELL_SCRIPTS = $(shell git ls-files -co --exclude-standard | xargs grep -lE '^\#!/bin/(ba)?sh' 2>/dev/null)

lint: setup-test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked --quiet -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked --quiet
	shellcheck -x $(SHELL_SCRIPTS)
	ctests/tidy

# PostgreSQL on rings in user space: its core suite, and crashes that lose nothing. Long, and not part of make test.
.PHONY: databases
databases: setup-test
	@ctests/setup ctests/peers/packages-databases
	@$(MAKE) --no-print-directory stage
	ctests/peers/tools/databases $(DATABASES_FLAGS)

# Our C tests under tools that look for mistakes; SANITIZE_FILTER= picks tests.
SANITIZE_FILTER ?=
.PHONY: sanitize
sanitize: setup-test
	@$(MAKE) --no-print-directory stage
	ctests/tools/sanitize '$(SANITIZE_FILTER)'

# Rings are used while another thread spoils what is shared, and while the process is changed all the time.
STRESS_SECONDS ?= 600
STRESS_SEED ?= 1
.PHONY: fuzz-memory fuzz-process
fuzz-memory: $(BUILD)/spoil-memory
fuzz-process: $(BUILD)/change-process
fuzz-memory fuzz-process:
	cd $(BUILD) && ANYRING_BACKING=soft $< $(STRESS_SECONDS) $(STRESS_SEED)

# The client's side. A process that changes is not tried on the kernel's rings: there the SQ thread leaves for ever what a
# worker would do that it may not make, and IOSQE_ASYNC takes the file that has the number when the worker starts.
fuzz-memory: fuzz-memory-kernel
.PHONY: fuzz-memory-kernel
fuzz-memory-kernel: $(BUILD)/spoil-memory
	cd $(BUILD) && ANYRING_BACKING=kernel $< $$(($(STRESS_SECONDS) / 4)) $(STRESS_SEED)

$(BUILD)/spoil-memory $(BUILD)/change-process: $(BUILD)/%: ctests/stress/%.c ctests/stress/stress.h $(STAGE)/.stamp
	$(CC) -O2 -g -Wall -Wextra -Werror -std=gnu11 $< -o $@ \
	    -I$(STAGE)/include -L$(STAGE)/lib -Wl,-rpath,$(STAGE)/lib -luring -pthread

# Every system call, thread and piece of memory fails once, in scenarios that use all operations and registrations.
INJECT := $(BUILD)/inject
# --step N: only each N-th; --only NAME; --persist: the call fails from then on.
INJECT_FLAGS ?= --jobs 8
.PHONY: inject inject-program
inject-program: setup-test
	@$(MAKE) --no-print-directory stage
	mkdir -p $(INJECT)
	CARGO_TARGET_DIR=$(CURDIR)/target/inject RUSTFLAGS='--cfg inject' $(MAKE) --no-print-directory BUILD=$(INJECT) \
	    URING_ARCHIVE=target/inject/release/libanyring_liburing.a \
	    AIO_ARCHIVE=target/inject/release/libanyring_libaio.a $(INJECT)/liburing.so.2 $(INJECT)/libaio.so.1
	$(CC) -O2 -g -Wall -Wextra -Werror -std=gnu11 ctests/inject/*.c -o $(INJECT)/inject -I$(STAGE)/include \
	    $(INJECT)/liburing.so.2 $(INJECT)/libaio.so.1 -pthread -Wl,-rpath,$(INJECT)

inject: inject-program
	rm -rf $(INJECT)/work
	mkdir -p $(INJECT)/work
	cd $(INJECT)/work && ANYRING_BACKING=soft $(INJECT)/inject $(INJECT_FLAGS)
	cd $(INJECT)/work && ANYRING_BACKING=kernel $(INJECT)/inject $(INJECT_FLAGS)
	cd $(INJECT)/work && ANYRING_BACKING=soft $(INJECT)/inject --persist --kinds 2 --jobs 4

# The lines of src/soft and src/aio that our C tests and some fuzzing reach, by libraries whose blocks note that they ran.
COVERAGE := $(BUILD)/coverage
COVERAGE_LIBS := $(COVERAGE)/liburing.so.2 $(COVERAGE)/libaio.so.1
COVERAGE_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
COVERAGE_RUST := -C passes=sancov-module $(addprefix -C llvm-args=-sanitizer-coverage-,level=2 prune-blocks=0 \
    inline-bool-flag pc-table)
# For parts of it: COVERAGE_FILTER=, COVERAGE_FUZZ_SQES=.
COVERAGE_FILTER ?= \.c$$
COVERAGE_FUZZ_SQES ?= 20000
.PHONY: coverage coverage-libs coverage-run coverage-missing
coverage: coverage-run
	ctests/coverage/report $(COVERAGE_LIBS:%=%.full)

# What the last `make coverage` has not reached.
coverage-missing:
	@ctests/coverage/report --missing $(COVERAGE_LIBS:%=%.full)

# memset and its like are optimised: otherwise they call themselves.
coverage-libs: setup-test
	@$(MAKE) --no-print-directory stage
	mkdir -p $(COVERAGE)
	$(foreach lib,$(COVERAGE_LIBS),$(CC) -c -O2 -Wall -Wextra -Werror -fPIC ctests/coverage/counters.c \
	    -DCOVERAGE_FILE='"$(lib).full.flags"' -o $(lib).o;)
	CARGO_TARGET_DIR=$(CURDIR)/target/coverage CARGO_BUILD_TARGET=$(COVERAGE_HOST) RUSTFLAGS='$(COVERAGE_RUST)' \
	    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 $(MAKE) --no-print-directory BUILD=$(COVERAGE) \
	    CARGO='$(CARGO) --config profile.release.package.anyring-mem.opt-level=3' \
	    URING_ARCHIVE=target/coverage/$(COVERAGE_HOST)/release/libanyring_liburing.a \
	    AIO_ARCHIVE=target/coverage/$(COVERAGE_HOST)/release/libanyring_libaio.a \
	    LINK_MORE='-Wl,-z,start-stop-gc -Wl,-T,ctests/coverage/counters.ld $$@.o -lc' $(COVERAGE_LIBS)

# Failing tests are no matter here: code that is not optimised may be too slow for what some of them ask.
coverage-run: coverage-libs
	$(foreach lib,$(COVERAGE_LIBS),rm -f $(lib).full.flags && truncate -s 4M $(lib).full.flags;)
	for backing in kernel soft; do \
	    ctests/run --under "env LD_LIBRARY_PATH=$(COVERAGE) ANYRING_BACKING=$$backing" --filter '$(COVERAGE_FILTER)' \
	        ctests/liburing ctests/libaio ctests/aio; \
	done; true
	LD_LIBRARY_PATH=$(COVERAGE) $(MAKE) --no-print-directory fuzz FUZZ_SQES=$(COVERAGE_FUZZ_SQES)

# Measuring. BENCH=quick (under a minute) or full.

BENCH ?= quick

.PHONY: bench setup-bench
setup-bench:
	@ctests/setup ctests/packages-run bench/packages

bench: setup-bench
	@$(MAKE) --no-print-directory stage > /dev/null
	@bench/run $(BENCH)

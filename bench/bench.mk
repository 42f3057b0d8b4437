# Measuring. BENCH=quick (under two minutes) or full (a quarter of an hour); the plots' Python packages are in a place
# of their own.

BENCH ?= quick
BENCH_PYTHON := $(BUILD)/bench/venv/bin/python3
BENCH_RESULTS = $(BUILD)/bench/$(BENCH)

.PHONY: bench bench-keep bench-before setup-bench
setup-bench:
	@ctests/setup ctests/packages-run bench/packages

$(BUILD)/bench/venv/.stamp: bench/requirements.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(BENCH_PYTHON) -m pip install --quiet --disable-pip-version-check --only-binary :all: -r $<
	@touch $@

bench: setup-bench
	@$(MAKE) --no-print-directory stage fio $(BUILD)/bench/venv/.stamp
	@bench/run $(BENCH)
	@$(BENCH_PYTHON) bench/plots.py $(BENCH_RESULTS)

# Keeps the last run's results as those that the README shows.
bench-keep:
	install -d bench/results
	install -m 644 $(BENCH_RESULTS)/results.json $(BENCH_RESULTS)/*.svg bench/results

# Compares this build with another one of ours, which is installed in BEFORE (lib/liburing.so.2 ...).
bench-before: setup-bench
	@test -n "$(BEFORE)" || { echo "bench-before: BEFORE=DIR names an installation of the other build" >&2; exit 2; }
	@$(MAKE) --no-print-directory stage
	@bench/run $(BENCH) --before "$(BEFORE)"

# anyring: `make` builds the libraries, `make run` shows them at work, `make test` tests everything,
# `make install` puts them under PREFIX. HACKING.md lists the other targets.

PREFIX ?= /opt/anyring
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR ?=

CC ?= cc
CARGO ?= cargo
OBJCOPY ?= objcopy

# The liburing release whose API and symbol nodes the libraries have.
LIBURING_VERSION := 2.15

BUILD := $(CURDIR)/build
STAGE := $(BUILD)/stage
ARCHIVE := target/release/libanyring_liburing.a
LIBS := liburing liburing-ffi
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src capi/*/src -name '*.rs') $(wildcard capi/*/Cargo.toml)

.PHONY: all
all: $(foreach lib,$(LIBS),$(BUILD)/$(lib).so.2 $(BUILD)/$(lib).a)

# --- Libraries -------------------------------------------------------------------------------------

$(ARCHIVE): $(RUST_SOURCES)
	$(CARGO) build --release --locked -p anyring-liburing
	@touch $@

$(BUILD):
	mkdir -p $@

# One archive makes both shared libraries; the version script decides what each exports, and what
# neither needs is left out. -nostdlib: a symbol that only a C library has must fail the link.
$(BUILD)/%.so.2: $(ARCHIVE) capi/liburing/%.map | $(BUILD)
	$(CC) -shared -nostdlib -o $@.full \
	    -Wl,--whole-archive $(ARCHIVE) -Wl,--no-whole-archive \
	    -Wl,--version-script=capi/liburing/$*.map -Wl,-soname,$*.so.2 \
	    -Wl,--gc-sections -Wl,--no-undefined -Wl,-z,relro,-z,now -Wl,-z,noexecstack \
	    -Wl,--hash-style=gnu -Wl,--build-id
	$(OBJCOPY) --strip-unneeded $@.full $@

# The static libraries are one object each, whose only global symbols are the exported ones: two of
# them, or one beside another Rust library, do not collide.
$(BUILD)/%.a: $(ARCHIVE) capi/liburing/%.map | $(BUILD)
	sed -n 's/^[[:space:]]*\([_a-z][_a-z0-9]*\);$$/\1/p' capi/liburing/$*.map | sort -u > $(BUILD)/$*.exports
	$(LD) -r --gc-sections $$(sed 's/^/-u /' $(BUILD)/$*.exports) -o $(BUILD)/$*.o $(ARCHIVE)
	$(OBJCOPY) --keep-global-symbols=$(BUILD)/$*.exports --strip-debug $(BUILD)/$*.o
	rm -f $@
	$(AR) rcs $@ $(BUILD)/$*.o

# --- Headers ---------------------------------------------------------------------------------------

.PHONY: headers headers-check
headers:
	$(CARGO) run --quiet --locked -p anyring-headers -- include

headers-check:
	$(CARGO) run --quiet --locked -p anyring-headers -- --check include

# --- Installing ------------------------------------------------------------------------------------

HEADERS := $(shell cd include && find . -name '*.h' | sort)

.PHONY: install uninstall stage
install: all
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	cd include && for h in $(HEADERS); do \
	    install -D -m 644 "$$h" "$(DESTDIR)$(INCLUDEDIR)/$$h" || exit 1; \
	done
	for lib in $(LIBS); do \
	    install -m 755 $(BUILD)/$$lib.so.2 $(DESTDIR)$(LIBDIR)/$$lib.so.2.$(LIBURING_VERSION) && \
	    ln -sf $$lib.so.2.$(LIBURING_VERSION) $(DESTDIR)$(LIBDIR)/$$lib.so.2 && \
	    ln -sf $$lib.so.2 $(DESTDIR)$(LIBDIR)/$$lib.so && \
	    install -m 644 $(BUILD)/$$lib.a $(DESTDIR)$(LIBDIR)/$$lib.a && \
	    sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	        -e 's|@VERSION@|$(LIBURING_VERSION)|' pkgconfig/$$lib.pc.in \
	        > $(DESTDIR)$(LIBDIR)/pkgconfig/$$lib.pc || exit 1; \
	done

uninstall:
	cd $(DESTDIR)$(INCLUDEDIR) && rm -f $(HEADERS)
	-rmdir $(DESTDIR)$(INCLUDEDIR)/liburing/io_uring $(DESTDIR)$(INCLUDEDIR)/liburing 2>/dev/null
	for lib in $(LIBS); do \
	    rm -f $(DESTDIR)$(LIBDIR)/$$lib.so.2.$(LIBURING_VERSION) $(DESTDIR)$(LIBDIR)/$$lib.so.2 \
	        $(DESTDIR)$(LIBDIR)/$$lib.so $(DESTDIR)$(LIBDIR)/$$lib.a \
	        $(DESTDIR)$(LIBDIR)/pkgconfig/$$lib.pc; \
	done

# What tests and examples build against: an installation like a user's, inside the build folder.
stage: $(STAGE)/.stamp

$(STAGE)/.stamp: $(foreach lib,$(LIBS),$(BUILD)/$(lib).so.2 $(BUILD)/$(lib).a) \
    $(addprefix include/,$(HEADERS)) $(wildcard pkgconfig/*.in) Makefile
	rm -rf $(STAGE)
	$(MAKE) --no-print-directory install DESTDIR= PREFIX=$(STAGE) LIBDIR=$(STAGE)/lib \
	    INCLUDEDIR=$(STAGE)/include > /dev/null
	@touch $@

.PHONY: clean
clean:
	rm -rf $(BUILD)
	$(CARGO) clean

-include ctests/ctests.mk
-include bench/bench.mk
-include capi/fio/fio.mk

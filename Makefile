# anyring: `make` builds the libraries, `make run` shows them at work, `make test` tests everything,
# `make install` puts them under PREFIX. HACKING.md lists the other targets.

PREFIX ?= /opt/anyring
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR ?=

CC ?= cc
CARGO ?= cargo
OBJCOPY ?= objcopy

# The releases whose API and symbol nodes the libraries have, and their sonames' numbers.
LIBURING_VERSION := 2.15
LIBAIO_VERSION := 0.3.113

BUILD := $(CURDIR)/build
STAGE := $(BUILD)/stage
URING_ARCHIVE := target/release/libanyring_liburing.a
AIO_ARCHIVE := target/release/libanyring_libaio.a
URING_LIBS := liburing liburing-ffi
LIBS := $(URING_LIBS) libaio
# Each library's soname, and the release that it is.
SONAME_liburing := liburing.so.2
SONAME_liburing-ffi := liburing-ffi.so.2
SONAME_libaio := libaio.so.1
# Newer Debian and Ubuntu call it so: the width of time_t has to do with no function of it on 64 bits.
ALIAS_libaio := libaio.so.1t64
VERSION_liburing := $(LIBURING_VERSION)
VERSION_liburing-ffi := $(LIBURING_VERSION)
VERSION_libaio := $(LIBAIO_VERSION)
SHARED := $(foreach lib,$(LIBS),$(SONAME_$(lib)))
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src capi/*/src -name '*.rs') $(wildcard capi/*/Cargo.toml)

.PHONY: all
all: $(SHARED:%=$(BUILD)/%) $(LIBS:%=$(BUILD)/%.a)

# --- Libraries -------------------------------------------------------------------------------------

$(URING_ARCHIVE): $(RUST_SOURCES)
	$(CARGO) rustc --release --locked -p anyring-liburing --lib --crate-type staticlib
	@touch $@

$(AIO_ARCHIVE): $(RUST_SOURCES)
	$(CARGO) rustc --release --locked -p anyring-libaio --lib --crate-type staticlib
	@touch $@

$(BUILD):
	mkdir -p $@

# $(call link-shared,soname,archive,version script,flags): what the version script names is exported,
# and what that does not need is left out.
define link-shared
$(CC) -shared -o $@.full $(4) \
    -Wl,--whole-archive $(2) -Wl,--no-whole-archive \
    -Wl,--version-script=$(3) -Wl,-soname,$(1) \
    -Wl,--gc-sections -Wl,--no-undefined -Wl,-z,relro,-z,now,-z,nodelete -Wl,-z,noexecstack \
    -Wl,--hash-style=gnu -Wl,--build-id $(LINK_MORE)
$(OBJCOPY) --strip-unneeded $@.full $@
endef

# $(call link-static,name,archive,version script,objcopy options,sed script): one object, whose only
# global symbols are the exported ones: two such libraries, or one beside another Rust library, do not
# collide. The sed script makes the names in the archive from those in the version script.
define link-static
sed -n 's/^[[:space:]]*\([_a-z][_a-z0-9]*\);$$/\1/p' $(3) | sort -u > $(BUILD)/$(1).exports
$(LD) -r --gc-sections $$(sed $(if $(5),-e '$(5)') -e 's/^/-u /' $(BUILD)/$(1).exports) -o $(BUILD)/$(1).o $(2)
$(if $(4),$(OBJCOPY) $(4) $(BUILD)/$(1).o)
$(OBJCOPY) --keep-global-symbols=$(BUILD)/$(1).exports --strip-unneeded $(BUILD)/$(1).o
rm -f $@
$(AR) rcs $@ $(BUILD)/$(1).o
endef

# One archive makes both libraries. -nostdlib: a symbol that only a C library has must fail the link.
$(BUILD)/%.so.2: $(URING_ARCHIVE) capi/liburing/%.map | $(BUILD)
	$(call link-shared,$*.so.2,$(URING_ARCHIVE),capi/liburing/$*.map,-nostdlib)

# libaio makes threads, which are the C library's.
$(BUILD)/libaio.so.1: $(AIO_ARCHIVE) capi/libaio/libaio.map | $(BUILD)
	$(call link-shared,libaio.so.1,$(AIO_ARCHIVE),capi/libaio/libaio.map,-nostartfiles)

$(BUILD)/%.a: $(URING_ARCHIVE) capi/liburing/%.map | $(BUILD)
	$(call link-static,$*,$(URING_ARCHIVE),capi/liburing/$*.map)

# A static library has one version of each symbol, today's.
AIO_VERSIONED := io_cancel io_getevents io_queue_wait
$(BUILD)/libaio.a: $(AIO_ARCHIVE) capi/libaio/libaio.map | $(BUILD)
	$(call link-static,libaio,$(AIO_ARCHIVE),capi/libaio/libaio.map, \
	    --strip-unneeded $(foreach name,$(AIO_VERSIONED),--strip-symbol=$(name)@@LIBAIO_0.4 \
	        --strip-symbol=$(name)@LIBAIO_0.1 --redefine-sym $(name)_0_4=$(name)), \
	    $(foreach name,$(AIO_VERSIONED),s/^$(name)$$/$(name)_0_4/;))

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
	$(foreach lib,$(LIBS),$(call install-lib,$(lib),$(SONAME_$(lib)),$(VERSION_$(lib))))
	$(foreach lib,$(LIBS),$(foreach alias,$(ALIAS_$(lib)),ln -sf $(SONAME_$(lib)) $(DESTDIR)$(LIBDIR)/$(alias);))

# $(call install-lib,name,soname,version): one library with its links and its .pc file.
define install-lib
install -m 755 $(BUILD)/$(2) $(DESTDIR)$(LIBDIR)/$(2).$(3)
ln -sf $(2).$(3) $(DESTDIR)$(LIBDIR)/$(2)
ln -sf $(2) $(DESTDIR)$(LIBDIR)/$(1).so
install -m 644 $(BUILD)/$(1).a $(DESTDIR)$(LIBDIR)/$(1).a
sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
    -e 's|@VERSION@|$(3)|' pkgconfig/$(1).pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/$(1).pc

endef

uninstall:
	cd $(DESTDIR)$(INCLUDEDIR) && rm -f $(HEADERS)
	-cd $(DESTDIR)$(INCLUDEDIR) && rmdir liburing/io_uring liburing anyring 2>/dev/null
	$(foreach lib,$(LIBS),cd $(DESTDIR)$(LIBDIR) && rm -f $(SONAME_$(lib)).$(VERSION_$(lib)) \
	    $(SONAME_$(lib)) $(ALIAS_$(lib)) $(lib).so $(lib).a pkgconfig/$(lib).pc;)

# What tests and examples build against: an installation like a user's, inside the build folder.
stage: $(STAGE)/.stamp

$(STAGE)/.stamp: $(SHARED:%=$(BUILD)/%) $(LIBS:%=$(BUILD)/%.a) \
    $(addprefix include/,$(HEADERS)) $(wildcard pkgconfig/*.in) Makefile
	rm -rf $(STAGE)
	$(MAKE) --no-print-directory install DESTDIR= PREFIX=$(STAGE) LIBDIR=$(STAGE)/lib \
	    INCLUDEDIR=$(STAGE)/include > /dev/null
	@touch $@

.PHONY: clean
clean:
	rm -rf $(BUILD)
	$(CARGO) clean

-include capi/preload/preload.mk
-include ctests/ctests.mk
-include bench/bench.mk
-include capi/fio/fio.mk

# libanyring-preload.so: libaio, liburing and libc's syscall() in one library. Included by the Makefile.

PRELOAD := $(BUILD)/libanyring-preload.so
PRELOAD_ARCHIVE := target/release/libanyring_preload.a
# Here and in the library, nodes stand in this order: names without a version get libaio's oldest.
PRELOAD_MAPS := capi/libaio/libaio.map capi/liburing/liburing.map capi/liburing/liburing-ffi.map

$(PRELOAD_ARCHIVE): $(RUST_SOURCES)
	$(CARGO) build --release --locked -p anyring-preload
	@touch $@

$(BUILD)/preload.ld: capi/preload/link-inputs $(PRELOAD_MAPS) | $(BUILD)
	capi/preload/link-inputs $(BUILD)/preload $(PRELOAD_MAPS)

# First one object in which all but the exports are local. -Bsymbolic: a program may have a function of
# its own by one of these names; ours must not call it.
$(PRELOAD): $(PRELOAD_ARCHIVE) $(BUILD)/preload.ld
	$(LD) -r -o $(BUILD)/preload.o --whole-archive $(PRELOAD_ARCHIVE)
	$(OBJCOPY) --wildcard --keep-global-symbols=$(BUILD)/preload.exports $(BUILD)/preload.o
	$(CC) -shared -nostdlib -o $@.full $(BUILD)/preload.o $(BUILD)/preload.ld -lc \
	    -Wl,--version-script=$(BUILD)/preload.map -Wl,-soname,$(notdir $@) -Wl,-Bsymbolic \
	    -Wl,--gc-sections -Wl,--no-undefined -Wl,-z,relro,-z,now,-z,nodelete -Wl,-z,noexecstack \
	    -Wl,--hash-style=gnu -Wl,--build-id
	$(OBJCOPY) --strip-unneeded $@.full $@

.PHONY: preload install-preload uninstall-preload
all preload: $(PRELOAD)

# Parts of install and uninstall.
install: install-preload
install-preload: $(PRELOAD)
	install -D -m 755 $(PRELOAD) $(DESTDIR)$(LIBDIR)/$(notdir $(PRELOAD))

uninstall: uninstall-preload
uninstall-preload:
	rm -f $(DESTDIR)$(LIBDIR)/$(notdir $(PRELOAD))

# Tests have it, too.
$(STAGE)/.stamp: $(PRELOAD)

# The fio engine, build/libanyring-fio.so. FIO= names the fio that shall load it, FIO_SRC= its source if
# that is not Debian's.

FIO ?= fio
FIO_SRC ?=
FIO_DIR := $(BUILD)/fio
FIO_ENGINE := $(BUILD)/libanyring-fio.so
FIO_LIBS := $(BUILD)/liburing.a $(BUILD)/libaio.a
FIO_OBJECTS := $(patsubst capi/fio/%.c,$(FIO_DIR)/%.o,$(wildcard capi/fio/*.c))
FIO_INCLUDE := include
# What fio itself is compiled with; its headers are not held to our warnings.
FIO_CFLAGS = -std=gnu11 -O2 -g -fPIC -fno-plt -Wall -Wextra -Werror \
    -D_GNU_SOURCE -D_LARGEFILE_SOURCE -D_FILE_OFFSET_BITS=64 -include $(FIO_DIR)/src/config-host.h \
    -I $(FIO_INCLUDE) -isystem $(FIO_DIR)/src -ffile-prefix-map=capi/fio/= \
    -DFIO_VERSION_BUILT_FOR='"$(firstword $(shell cat $(FIO_DIR)/version))"'

.PHONY: fio setup-fio FORCE
setup-fio:
	@ctests/setup ctests/packages-run capi/fio/packages

fio: setup-fio
	@$(MAKE) --no-print-directory $(FIO_ENGINE)

# Changes only when it is another fio's.
$(FIO_DIR)/version: FORCE | $(BUILD)
	@capi/fio/fio-source '$(FIO)' '$(FIO_DIR)' '$(FIO_SRC)'

$(FIO_DIR)/%.o: capi/fio/%.c capi/fio/engine.h capi/fio/fio.mk $(FIO_DIR)/version
	$(CC) $(FIO_CFLAGS) -c -o $@ $<

# Never unloaded: a thread of the rings may outlive the job that made it. fio says at last whether it
# takes it.
$(FIO_ENGINE): $(FIO_OBJECTS) $(FIO_LIBS) capi/fio/ioengine.map
	$(CC) -shared -o $@.new $(FIO_OBJECTS) $(FIO_LIBS) -Wl,--version-script=capi/fio/ioengine.map \
	    -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,nodelete -Wl,-z,noexecstack -pthread
	@$(FIO) --enghelp=$@.new > $@.log || { cat $@.log; rm -f $@.new; exit 1; }
	@mv $@.new $@

#!/bin/bash
# libaio 0.3.113 (Debian 0.3.113-4) on Linux 6.18: io_cancel() of an IO_CMD_POLL that waits succeeds, and says so by an
# error. It answers -EINPROGRESS and leaves its third argument alone; the event comes by io_getevents, and its res
# is 0, not -ECANCELED: it looks like a poll that ended with no event.
# Guessed: 0 with the event in the argument, as io_cancel(2) describes it, or res -ECANCELED.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq libaio1=0.3.113-4 libaio-dev=0.3.113-4 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
cat > poll.c << 'PROGRAM'
#include <libaio.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	struct iocb poll, *list[] = { &poll };
	struct io_event argument = { .res = 77 }, event;
	struct timespec second = { 1, 0 };
	io_context_t context = 0;
	int ends[2];

	if (pipe(ends) || io_setup(4, &context))
		return 2;
	io_prep_poll(&poll, ends[0], POLLIN);
	if (io_submit(context, 1, list) != 1)
		return 2;
	int cancelled = io_cancel(context, &poll, &argument);
	int events = io_getevents(context, 1, 1, &event, &second);
	printf("io_cancel %d, argument %s, events %d, res %ld\n", cancelled,
	       argument.res == 77 ? "untouched" : "written", events, events == 1 ? (long)event.res : -1);
	return 0;
}
PROGRAM
library=root/usr/lib/$(gcc -print-multiarch)
[ -e "$library/libaio.so.1" ] || library=root/lib/$(gcc -print-multiarch)
gcc -Wall -Iroot/usr/include poll.c -o poll "$(readlink -f "$library"/libaio.so.1)" -Wl,-rpath,"$PWD/$library"
seen=$(LD_LIBRARY_PATH=$library ./poll)
echo "$seen"
[ "$seen" = "io_cancel -115, argument untouched, events 1, res 0" ]

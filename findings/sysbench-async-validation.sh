#!/bin/bash
# sysbench 1.0.20 (Debian 1.0.20+ds-5): `fileio --file-io-mode=async --validate=on` checks a block when io_submit(2) has
# returned, not when its event has come. It passes on the page cache only because the kernel's aio reads buffered
# files within io_submit; with O_DIRECT, where the read is under way, it reports a checksum mismatch in good data.
# Guessed: validation waits for the event. Seen: "Checksum mismatch in block", "Stored value: 0x0" (a buffer that is
# still empty); with --file-io-mode=sync the same files pass with O_DIRECT.
set -euo pipefail
work=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
# With the libraries that it is linked against, from the same release.
apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances sysbench |
    grep -E '^lib(luajit|mariadb3|pq5|aio1|ldap|sasl2-2|gssapi)' |
    xargs apt-get download -qq sysbench=1.0.20+ds-5 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$PWD/root/usr/lib/$(gcc -print-multiarch)
export LD_LIBRARY_PATH PATH=$PWD/root/usr/bin:$PATH

sysbench fileio --file-num=2 --file-total-size=8M --verbosity=0 --validate=on prepare > /dev/null

run() {     # mode, extra flags
    sysbench fileio --file-num=2 --file-total-size=8M --file-test-mode=rndrd --file-io-mode="$1" \
        --file-extra-flags="$2" --validate=on --time=0 --events=400 run 2>&1 || true
}

verdict() { if grep -q 'Checksum mismatch' <<< "$1"; then echo "mismatch"; else grep -q 'total number of events: *400' <<< "$1" && echo "valid"; fi; }

buffered=$(verdict "$(run async '')")
direct=$(verdict "$(run async direct)")
synchronous=$(verdict "$(run sync direct)")
echo "async, buffered: $buffered; async, O_DIRECT: $direct; sync, O_DIRECT: $synchronous"
[ "$buffered $direct $synchronous" = "valid mismatch valid" ]

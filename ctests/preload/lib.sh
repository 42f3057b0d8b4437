#!/bin/bash
# For the scripts of this folder: where things are, and checks.
# shellcheck disable=SC2034 # used by those who source this
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
shim=$root/build/stage/lib/libanyring-preload.so
programs=$root/ctests/preload/programs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# need COMMAND...: skips the test where one is not installed.
need() {
	local command
	for command; do
		[ -n "$(type -P "$command")" ] || skip "$command is not installed"
	done
}

[ -e "$shim" ] || fail "$shim is missing: run make stage first"

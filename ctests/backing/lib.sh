#!/bin/bash
# For the scripts of this folder: where things are, checks, and a program that makes rings.
# shellcheck disable=SC2034 # used by those who source this
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
stage=$root/build/stage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ANYRING_BACKING ANYRING_AIO
export PKG_CONFIG_PATH=$stage/lib/pkgconfig LD_LIBRARY_PATH=$stage/lib

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

[ -e "$stage/lib/pkgconfig/liburing.pc" ] || fail "run make stage first"
block=$work/block-uring
"${CC:-cc}" -Wall -Wextra -Werror -O2 -o "$block" "$root/ctests/tools/block-uring.c"
read -ra flags < <(pkg-config --cflags --libs liburing)
"${CC:-cc}" -Wall -Wextra -Werror -O2 -o "$work/rings" "$root/ctests/backing/programs/rings.c" "${flags[@]}"

# says OUTPUT LINES COMMAND...: what it prints, and how many lines it says on stderr, which are in $said.
says() {
	local output=$1 lines=$2
	shift 2
	# stderr is a pipe: into a file that is not stdout as well, nothing is said.
	said=$("$@" 2>&1 > "$work/stdout") || true
	printed=$(tr '\n' ' ' < "$work/stdout")
	[ "${printed% }" = "$output" ] || fail "$*: printed '$printed', not '$output'; said '$said'"
	[ "$(printf '%s' "$said" | grep -c '')" = "$lines" ] || fail "$*: said '$said', not $lines lines"
}

# has WORDS: the line that was said has them.
has() {
	grep -qF -- "$1" <<< "$said" || fail "'$said' does not say '$1'"
}

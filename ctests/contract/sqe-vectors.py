#!/usr/bin/env -S python3 -B
"""The bytes that each prep function writes, through the header's inline and through the ffi symbol.

io_uring_register_sync_msg only sends an SQE; its rows say that it leaves the SQE as it was.
"""
import re
import subprocess
import sys

from contract import BUILD, C, INCLUDES, compile, errors, finish, rows, work_dir

PRELUDE = """
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int bad;

static void compare(const struct io_uring_sqe *sqe, const unsigned char *want, const char *what)
{
	const unsigned char *have = (const unsigned char *)sqe;

	for (size_t i = 0; i < sizeof(*sqe); i++) {
		if (have[i] != want[i]) {
			printf("%s: byte %zu is %02x, expected %02x\\n", what, i, have[i], want[i]);
			bad++;
		}
	}
}

static void *symbol(void *library, const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		printf("liburing-ffi.so.2 has no %s\\n", name);
		bad++;
	}
	return found;
}
"""
# Inlines behind the prep functions that neither upstream's ffi library nor ours exports.
NOT_IN_FFI = {"__io_uring_set_target_fixed_file"}


def call(row, prototype):
    """The arguments of one call, in the order of the prototype."""
    given = dict(pair.split("=") for pair in row["arguments"].split())
    arguments = []
    for parameter in prototype["parameters"].split(", "):
        kind, name = re.fullmatch(r"(.*?)(\w+)", parameter).groups()
        if kind == "struct io_uring_sqe * ":
            arguments.append("&sqe")
        else:
            arguments.append(f"({kind.strip()}){given.pop(name)}{'' if '*' in kind else 'ULL'}")
    if given:
        raise ValueError(f"{row['function']}: arguments {given} are not in its prototype")
    return ", ".join(arguments)


def test_lines(index, row, prototype):
    name, arguments = row["function"], call(row, prototype)
    ways = [("inline" if prototype["kind"] == "inline" else "liburing", name)]
    if name not in NOT_IN_FFI:
        ways.append(("ffi", "f"))
    yield f"static void row_{index}(void *library)\n{{\n\tstruct io_uring_sqe sqe;"
    for column in ("sqe_from_zero", "sqe_from_aa"):
        data = ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(row[column]))
        yield f"\tstatic const unsigned char {column}[sizeof(sqe)] = {{ {data} }};"
    if name in NOT_IN_FFI:
        yield "\t(void)library;"
    else:
        yield f'\t__typeof__(&{name}) f = (__typeof__(&{name}))symbol(library, "{name}");'
        yield "\tif (!f)\n\t\treturn;"
    for column, byte in (("sqe_from_zero", "0"), ("sqe_from_aa", "0xaa")):
        for way, function in ways:
            yield f"\tmemset(&sqe, {byte}, sizeof(sqe));\n\t{function}({arguments});"
            yield f'\tcompare(&sqe, {column}, "{name}({row["arguments"]}) {way} {column}");'
    yield "}"


def program(table, prototypes):
    lines = [INCLUDES, PRELUDE]
    for index, row in enumerate(table):
        lines += test_lines(index, row, prototypes[row["function"]])
    lines.append('int main(int argc, char **argv)\n{\n\tvoid *library = argc > 1 ? '
                 'dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;')
    lines.append('\tif (!library) {\n\t\tprintf("%s\\n", dlerror());\n\t\treturn 1;\n\t}')
    lines += [f"\trow_{index}(library);" for index in range(len(table))]
    lines.append("\treturn bad != 0;\n}")
    return "\n".join(lines) + "\n"


def main():
    work, table = work_dir(), rows("sqe-vectors.tsv")
    prototypes = {row["name"]: row for row in rows("api.tsv")}
    missing = {n for n in prototypes if n.startswith("io_uring_prep_")} - {r["function"] for r in table}
    if missing != {"io_uring_prep_rw"}:  # the others are made from it
        sys.exit(f"no vectors for {missing}")
    source, executable = work / "vectors.c", work / "vectors"
    source.write_text(program(table, prototypes))
    messages = compile(C, source, "-O1", "-o", executable, BUILD / "liburing.a")
    if messages:
        finish(errors(messages), "")
    done = subprocess.run([str(executable), str(BUILD / "liburing-ffi.so.2")], stdout=subprocess.PIPE,
                          text=True)
    problems = done.stdout.splitlines()
    if done.returncode and not problems:
        problems = [f"the program ended with {done.returncode}"]
    finish(problems, f"{len(table)} rows through the header and {BUILD.name}/liburing-ffi.so.2")


if __name__ == "__main__":
    main()

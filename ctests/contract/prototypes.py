#!/usr/bin/env -S python3 -B
"""The type of every function, and which are inline, from C and from C++."""
from contract import C, CXX, INCLUDES, compile, errors, finish, output, rows, work_dir

C_PRELUDE = """
#define CHECK(name, pointer) \\
    _Static_assert(__builtin_types_compatible_p(__typeof__(&name), pointer), #name)
"""
CXX_PRELUDE = """
#include <type_traits>
#define _Bool bool
template <class T> struct plain { typedef T type; };
template <class R, class... A> struct plain<R (*)(A...) noexcept> { typedef R (*type)(A...); };
#define CHECK(name, pointer) \\
    static_assert(std::is_same<plain<decltype(&name)>::type, pointer>::value, #name)
"""


def checks(table):
    for row in table:
        pointer = f'{row["return type"]} (*)({row["parameters"] or "void"})'
        yield f'typedef {pointer.replace("(*)", "(*type_of_" + row["name"] + ")", 1)};'
        yield f'CHECK({row["name"]}, type_of_{row["name"]});'


def type_problems(table, work):
    for compiler, prelude, suffix in ((C, C_PRELUDE, "c"), (CXX, CXX_PRELUDE, "cc")):
        path = work / f"prototypes.{suffix}"
        path.write_text(INCLUDES + prelude + "\n".join(checks(table)) + "\n")
        messages = compile(compiler, path, "-fsyntax-only")
        if messages:
            yield from errors(messages)


def inline_problems(table, work):
    """An object that takes every address needs the extern functions from outside, and only those."""
    source, unit = work / "addresses.c", work / "addresses.o"
    names = [row["name"] for row in table]
    source.write_text(INCLUDES + "extern const void *const addresses[];\nconst void *const addresses[] = {\n"
                      + "".join(f"    (const void *){name},\n" for name in names) + "};\n")
    messages = compile(C, source, "-O0", "-c", "-o", unit)
    if messages:
        yield from errors(messages)
        return
    symbols = [line.split() for line in output(["nm", "-P", unit]).splitlines()]
    undefined = {name for name, kind, *_ in symbols if kind == "U"}
    local = {name for name, kind, *_ in symbols if kind == "t"}
    for row in table:
        found = undefined if row["kind"] == "extern" else local
        if row["name"] not in found:
            yield f'{row["name"]} is not {row["kind"]}'


def main():
    work, table = work_dir(), rows("api.tsv")
    problems = [*type_problems(table, work), *inline_problems(table, work)]
    finish(problems, f"{len(table)} functions in C and C++")


if __name__ == "__main__":
    main()

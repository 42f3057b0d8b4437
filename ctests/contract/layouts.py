#!/usr/bin/env -S python3 -B
"""Size, alignment, offset, type and bare name of every field, from C and from C++."""
import re

from contract import C, CXX, INCLUDES, compile, errors, finish, rows, work_dir

UNNAMED = "<unnamed struct>"
C_PRELUDE = """
#define CHECK(condition, what) _Static_assert(condition, what)
#define ALIGNMENT(name) _Alignof(name)
#define IS_TYPE(expression, name) __builtin_types_compatible_p(__typeof__(expression), name)
"""
CXX_PRELUDE = """
#include <type_traits>
#define CHECK(condition, what) static_assert(condition, what)
#define ALIGNMENT(name) alignof(name)
#define IS_TYPE(expression, name) \\
    std::is_same<std::remove_reference<decltype((expression))>::type, name>::value
"""


def field_checks(row):
    struct, field, kind = row["struct"], row["field path"].split(".")[-1], row["type"]
    yield f'CHECK(offsetof(struct {struct}, {field}) * 8 == {row["bit offset"]}, "{struct}.{field} offset");'
    member = f"((struct {struct} *)0)->{field}"
    array = re.fullmatch(r"(.*?)\[(\d*)\]", kind)
    if array:
        yield f'CHECK(IS_TYPE({member}[0], {array[1]}), "{struct}.{field} element type");'
    elif kind != UNNAMED:
        yield f'CHECK(IS_TYPE({member}, {kind}), "{struct}.{field} type");'
    if array and array[2] not in ("", "0"):
        yield f'CHECK(sizeof({member}) == {array[2]} * sizeof({array[1]}), "{struct}.{field} size");'


def source():
    lines, seen = [], set()
    for row in rows("layouts.tsv"):
        struct = row["struct"]
        if struct not in seen:
            seen.add(struct)
            lines.append(f'CHECK(sizeof(struct {struct}) == {row["size"]}, "{struct} size");')
            lines.append(f'CHECK(ALIGNMENT(struct {struct}) == {row["align"]}, "{struct} alignment");')
        lines += field_checks(row)
    return lines


def main():
    work, lines, problems = work_dir(), source(), []
    cxx = [*CXX, "-Wno-invalid-offsetof"]
    for compiler, prelude, suffix in ((C, C_PRELUDE, "c"), (cxx, CXX_PRELUDE, "cc")):
        path = work / f"layouts.{suffix}"
        path.write_text(INCLUDES + prelude + "\n".join(lines) + "\n")
        messages = compile(compiler, path, "-fsyntax-only")
        problems += errors(messages)
    finish(problems, f"{len(lines)} assertions in C and C++")


if __name__ == "__main__":
    main()

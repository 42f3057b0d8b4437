#!/usr/bin/env -S python3 -B
"""The value of every constant, each from the one header that defines it, from C and from C++."""
import itertools

from contract import C, CXX, compile, errors, finish, rows, work_dir

ASSERT = {"c": "_Static_assert", "cc": "static_assert"}


def checks(table, assertion):
    for row in table:
        name, value = row["name"], int(row["value"])
        number = f"{value}LL" if value > -(1 << 63) else "(-9223372036854775807LL - 1)"
        if row["kind"] == "macro":
            yield f'#ifndef {name}\n#error "{name} is not a macro"\n#endif'
        yield f'{assertion}((long long)({name}) == {number}, "{name}");'


def main():
    work, problems = work_dir(), []
    table = sorted(rows("constants.tsv"), key=lambda row: row["header"])
    for header, group in itertools.groupby(table, key=lambda row: row["header"]):
        group = list(group)
        for compiler, suffix in ((C, "c"), (CXX, "cc")):
            path = work / f"{header.replace('/', '-')}.{suffix}"
            lines = [f"#include <{header}>", *checks(group, ASSERT[suffix])]
            path.write_text("\n".join(lines) + "\n")
            problems += errors(compile(compiler, path, "-fsyntax-only"))
    finish(problems, f"{len(table)} constants in C and C++")


if __name__ == "__main__":
    main()

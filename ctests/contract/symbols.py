#!/usr/bin/env -S python3 -B
"""What the shared libraries export, in which version nodes, and what they ask of the loader."""
import re
import sys

from contract import BUILD, finish, output, rows, work_dir

SIZE_LIMIT = 550_000  # bytes, stripped: a server of rings is in it; without one it has 30 KB
# Inline functions that upstream's ffi library lacks: a binding cannot do without them.
FFI_EXTRAS = {name: "LIBURING_2.15" for name in (
    "io_uring_buf_ring_head", "_io_uring_get_sqe", "io_uring_initialize_sqe",
    "io_uring_load_sq_head", "io_uring_sqe_shift", "io_uring_sqe_shift_from_flags",
    "io_uring_cqe_shift", "io_uring_cqe_shift_from_flags", "__io_uring_prep_uring_cmd")}


def expected(library):
    """Symbol to node, and node to parent in order."""
    nodes = [row for row in rows("nodes.tsv") if row["library"] == library]
    symbols = {name: row["node"] for row in nodes for name in row["symbols"].split()}
    if library == "liburing-ffi.so.2":
        symbols |= FFI_EXTRAS
    return symbols, {row["node"]: row["parent"] for row in nodes}


# Bound to what the program has of a C library: its allocator, and what threads, forks and unloading need.
WEAK = {("WEAK", name) for name in (
    "malloc", "free", "secure_getenv", "__environ", "pthread_create", "pthread_detach", "pthread_sigmask",
    "pthread_tryjoin_np", "pthread_attr_init", "pthread_attr_setstack", "pthread_attr_destroy", "sigfillset", "__tsan_init",
    "pthread_atfork", "__register_atfork", "__dso_handle", "dladdr1", "dlsym")}


def symbol_problems(path, want, nodes):
    have = {}
    for line in output(["readelf", "-W", "--dyn-syms", path]).splitlines():
        fields = line.split()
        if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
            continue
        kind, place, name = fields[3], fields[6], fields[7]
        if place == "UND":
            if (fields[4], name) not in WEAK:
                yield f"undefined symbol {name}"
        elif place != "ABS" or name not in nodes:
            have[name] = kind
    versioned = {f"{name}@@{node}" for name, node in want.items()}
    yield from (f"missing symbol {name}" for name in sorted(versioned - have.keys()))
    yield from (f"symbol {name} is too many" for name in sorted(have.keys() - versioned))
    yield from (f"{name} is of type {kind}" for name, kind in have.items() if kind != "FUNC")


def node_problems(path, want):
    have, text = {}, output(["readelf", "-W", "--version-info", path])
    for line in text.splitlines():
        if found := re.search(r"Flags: (\S+) .*Name: (\S+)", line):
            node = found[2]
            if found[1] != "BASE":
                have[node] = "-"
        elif found := re.search(r"Parent \d+: (\S+)", line):
            have[node] = found[1]
    if list(have.items()) != list(want.items()):
        yield f"version nodes are {have}, expected {want}"
    if "Version needs section" in text:
        yield "needs versions of another library"


def loader_problems(path, library):
    dynamic = re.findall(r"\((\w+)\)\s+(.*)", output(["readelf", "-W", "--dynamic", path]))
    tags = dict(dynamic)
    for tag in ("NEEDED", "INIT", "INIT_ARRAY", "PREINIT_ARRAY", "FINI", "FINI_ARRAY", "TEXTREL",
                "RPATH", "RUNPATH"):
        if tag in tags:
            yield f"has {tag}: {tags[tag]}"
    if tags.get("SONAME") != f"Library soname: [{library}]":
        yield f"soname is {tags.get('SONAME')}"
    segments = re.findall(r"^ +(\w+) +(?:0x\w+ +){5}([RWE ]{3}) ",
                          output(["readelf", "-W", "--segments", path]), re.M)
    relocations = "There are no relocations" not in output(["readelf", "-W", "--relocs", path])
    now = "NOW" in tags.get("FLAGS", "") + tags.get("FLAGS_1", "") or "BIND_NOW" in tags
    if relocations and not (now and "GNU_RELRO" in dict(segments)):
        yield "has relocations without full RELRO"
    yield from (f"{kind} is {flags}" for kind, flags in segments if "W" in flags and "E" in flags)
    if "E" in dict(segments).get("GNU_STACK", "E") or "LOAD" not in dict(segments):
        yield f"segments are {segments}"


def size_problems(path, work):
    stripped = work / path.name
    output(["strip", "--strip-all", path, "-o", stripped])
    if stripped.stat().st_size > SIZE_LIMIT:
        yield f"is {stripped.stat().st_size} bytes stripped, more than {SIZE_LIMIT}"


def main():
    work, problems, count = work_dir(), [], 0
    for library in ("liburing.so.2", "liburing-ffi.so.2"):
        path, (symbols, nodes) = BUILD / library, expected(library)
        if not symbols:
            sys.exit(f"nodes.tsv has nothing about {library}")
        count += len(symbols)
        for found in (symbol_problems(path, symbols, nodes), node_problems(path, nodes),
                      loader_problems(path, library), size_problems(path, work)):
            problems += [f"{library}: {problem}" for problem in found]
    finish(problems, f"{count} symbols in two libraries")


if __name__ == "__main__":
    main()

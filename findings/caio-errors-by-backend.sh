#!/bin/bash
# caio 0.9.22 (PyPI): which exception a failed read raises depends on the backend that was chosen at import. The Linux one
# raises ValueError, without errno, with a sentence about iocbs; the thread pools raise OSError or one of its kin, so that
# `except OSError` in a program that was written on one misses on the other. A read of a directory is EINVAL
# for one and EISDIR for the other; fsync() returns None on one and b'' on the other.
# Guessed: OSError with errno on every backend.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check caio==0.9.22
cat > ask.py << 'PROGRAM'
import asyncio
import os
from caio import AsyncioContext


async def main():
    file = os.open("file", os.O_RDWR | os.O_CREAT)
    directory = os.open(".", os.O_RDONLY)
    context = AsyncioContext()
    answers = [repr(await context.fsync(file))]
    for number in (1000, directory):
        try:
            await context.read(8, number, 0)
        except Exception as error:
            answers.append(f"{type(error).__name__} {getattr(error, 'errno', 'without errno')}")
    print("; ".join(answers))


asyncio.run(main())
PROGRAM
linux=$(CAIO_IMPL=linux venv/bin/python ask.py)
python=$(CAIO_IMPL=python venv/bin/python ask.py)
echo "linux: $linux"
echo "python: $python"
[ "$linux" = "None; ValueError without errno; ValueError without errno" ]
[ "$python" = "b''; OSError 9; IsADirectoryError 21" ]

#!/usr/bin/env python3
"""Compares the built library with what this folder says its binary interface is.

    check.py symbols LIBRARY            exported names equal symbols.txt and are the library's own
    check.py archive ARCHIVE            the static library claims no C name outside its prefix
    check.py types LIBRARY HEADERS      functions and types equal libsscam.abi check.py constants
    HEADERS -- CC... values of the public constants equal constants.txt check.py tables PROGRAM
    options and methods, as PROGRAM prints them, equal tables.txt

Exits with 0, with 1 and a report, or with 77 when the tool that is needed is not installed.
"""

import difflib
import shutil
import sys
import tempfile
from pathlib import Path

import interface

HERE = Path(__file__).resolve().parent
SKIPPED = 77
REMEDY = (
    "docs/api-stability.md tells what may change; "
    "`ninja abi-refresh` writes the folder's files anew."
)


def compare_lines(recorded, found):
    expected = recorded.read_text().splitlines()
    difference = list(
        difflib.unified_diff(expected, found, str(recorded.name), "as built", lineterm="", n=0)
    )
    if difference:
        print("\n".join(difference), REMEDY, sep="\n")
    return 1 if difference else 0


def check_symbols(library, recorded=HERE / "symbols.txt"):
    found = interface.exported_symbols(library)
    foreign = interface.foreign_symbols(found)
    for symbol in foreign:
        print(f"exported, and not the library's own: {symbol}")
    return compare_lines(recorded, found) or (1 if foreign else 0)


def check_archive(archive):
    foreign = [name for name in interface.global_c_names(archive) if not name.startswith("sscam_")]
    for name in foreign:
        print(f"claimed by {Path(archive).name}, outside its prefix: {name}")
    return 1 if foreign else 0


def check_types(library, headers, recorded=HERE / "libsscam.abi"):
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        print("skipped: abidw and abidiff (libabigail) are not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder, "built.abi")
        interface.describe_types(library, headers, described)
        code, report = interface.compare_types(recorded, described)
    if code:
        print(report, REMEDY, sep="\n")
    return 1 if code else 0


def check_constants(headers, *compiler):
    return compare_lines(HERE / "constants.txt", interface.constants(headers, compiler))


def check_tables(program):
    return compare_lines(HERE / "tables.txt", interface.output_of([program]).splitlines())


def main():
    checks = {
        "symbols": check_symbols,
        "archive": check_archive,
        "types": check_types,
        "constants": check_constants,
        "tables": check_tables,
    }
    arguments = [argument for argument in sys.argv[1:] if argument != "--"]
    if not arguments or arguments[0] not in checks:
        sys.exit(__doc__)
    return checks[arguments[0]](*arguments[1:])


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes symbols.txt, constants.txt, tables.txt and libsscam.abi anew from the built library.

    refresh.py LIBRARY HEADERS TABLES_PROGRAM [--allow-change] -- CC...

Refuses when something recorded would disappear or change, because that breaks programs that exist.
Where it does not (a range that widens), or where SSCAM_ABI_VERSION was raised for it,
--allow-change writes it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import interface

HERE = Path(__file__).resolve().parent


def lost_lines(recorded, found):
    """Lines of a recorded file that the new state lacks."""
    known = recorded.read_text().splitlines() if recorded.exists() else []
    return [f"{recorded.name}: {line}" for line in known if line not in found]


def type_breaks(recorded, described):
    if not recorded.exists():
        return []
    code, report = interface.compare_types(recorded, described, "--no-added-syms")
    return [report] if code else []


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("library")
    parser.add_argument("headers")
    parser.add_argument("tables_program")
    parser.add_argument("--allow-change", action="store_true")
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()

    lists = {
        HERE / "symbols.txt": interface.exported_symbols(options.library),
        HERE / "constants.txt": interface.constants(options.headers, options.compiler),
        HERE / "tables.txt": interface.output_of([options.tables_program]).splitlines(),
    }
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder, "built.abi")
        interface.describe_types(options.library, options.headers, described)
        breaks = [line for recorded, found in lists.items() for line in lost_lines(recorded, found)]
        breaks += type_breaks(HERE / "libsscam.abi", described)
        if breaks and not options.allow_change:
            print("This would break programs that exist; nothing was written.", *breaks, sep="\n")
            return 1
        (HERE / "libsscam.abi").write_text(described.read_text())
    for recorded, found in lists.items():
        recorded.write_text("".join(f"{line}\n" for line in found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

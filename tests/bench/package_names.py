#!/usr/bin/env python3
"""Checks that the packages have every name that docs/migrating.md lists.

    SSCAM_LIBRARY=build-pip-2.13.0/lib/libsscam.so.1 build-pip-environment-2.13.0/bin/python3 \\
        tests/bench/package_names.py

What it needs: see packages.py. The document's other names are checked by docs/check_docs.py.
"""

import contextlib
import importlib
import re
import sys
from pathlib import Path

import packages  # noqa: F401 # first: see there

PAGE = Path(__file__).resolve().parents[2] / "docs" / "migrating.md"


def exists(name):
    """Whether a dotted name of modules, then attributes, exists."""
    first, *rest = name.split(".")
    found, path = importlib.import_module(first), first
    for part in rest:
        path = f"{path}.{part}"
        with contextlib.suppress(ImportError):
            importlib.import_module(path)
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def main():
    names = sorted(
        set(re.findall(r"\b(?:torchcam|pytorch_grad_cam|captum)(?:\.\w+)+", PAGE.read_text()))
    )
    missing = [name for name in names if not exists(name)]
    print(
        f"{len(names)} names in {PAGE.name}; {len(missing)} that no package has {' '.join(missing)}"
    )
    return 1 if missing or not names else 0


if __name__ == "__main__":
    sys.exit(main())

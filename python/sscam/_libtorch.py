"""Keeps a process from loading two libtorches.

libsscam brings the libtorch that it was linked with, the Python package torch brings its own. Two
releases in one process share global symbols and crash, so a clash has to be found before the
second one is loaded.
"""

from __future__ import annotations

import filecmp
import importlib.machinery
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Optional

from . import _elf

_NAME = "libtorch_cpu.so"


def check_before_loading(name: str) -> None:
    """Raise ImportError where libsscam would bring a libtorch beside the one that is loaded.

    Args:
        name: file of libsscam, or its name for the dynamic linker to find.
    """
    library = name if os.sep in name else _find(name)
    present = _loaded_libtorch()
    if library is None or present is None:
        return
    try:
        dynamic = _elf.read_dynamic(library)
        present_soname = _elf.read_dynamic(present).soname
    except (OSError, ValueError):
        return  # The loader will say what is wrong with the file.
    soname = next((needed for needed in dynamic.needed if needed.startswith(_NAME)), None)
    if soname is None:
        return
    wanted = _find(soname, dynamic, os.path.dirname(os.path.abspath(library)))
    if present_soname == soname and (wanted is None or _same_content(wanted, present)):
        return
    release = getattr(sys.modules.get("torch"), "__version__", None)
    bearer = f" (torch {release})" if release else ""
    raise ImportError(
        f"this process has loaded the libtorch {present}{bearer}, but {library} was linked with "
        f"{wanted or soname}; both together would crash. Either import sscam with the torch that "
        "libsscam was built with, or in a process without torch, or let SSCAM_LIBRARY name a "
        f"libsscam built for this torch (meson setup -Dtorch_prefix={_prefix(present)})",
        name="sscam",
        path=library,
    )


def watch_imports() -> None:
    """From now on raise ImportError where importing torch would bring another libtorch than the
    one that is loaded, in place of a crash."""
    present = _loaded_libtorch()
    if present is not None and "torch" not in sys.modules:
        sys.meta_path.insert(0, _TorchFinder(present))


class _TorchFinder:
    """Finds no module; checks the package torch before the finders after it load it."""

    def __init__(self, present: str) -> None:
        self._present = present

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> None:
        if name != "torch":
            return
        spec = importlib.machinery.PathFinder.find_spec(name)
        if spec is None or spec.origin is None:
            return
        coming = os.path.join(os.path.dirname(spec.origin), "lib", _NAME)
        # A distribution's torch has no libtorch of its own.
        if not os.path.exists(coming) or _same_content(coming, self._present):
            return
        raise ImportError(
            f"this process has loaded the libtorch {self._present}, with which libsscam was "
            f"linked, but torch brings {coming}; both together would crash. Use them in separate "
            "processes, or let SSCAM_LIBRARY name a libsscam built for this torch "
            f"(meson setup -Dtorch_prefix={_prefix(coming)})",
            name="torch",
            path=spec.origin,
        )


def _prefix(libtorch: str) -> str:
    """The folder above lib/, or above lib/ARCHITECTURE/ where distributions have such folders."""
    folder = os.path.dirname(os.path.realpath(libtorch))
    if os.path.basename(folder) != "lib":
        folder = os.path.dirname(folder)
    return os.path.dirname(folder)


def _loaded_libtorch() -> Optional[str]:
    """File of the libtorch that this process has loaded; None if none, or if it cannot be told."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            rows = [line.rstrip("\n").split(None, 5) for line in maps]
    except OSError:
        return None
    paths = (row[5] for row in rows if len(row) == 6)
    return next((path for path in paths if os.path.basename(path).startswith(_NAME)), None)


def _find(soname: str, dynamic: _elf.Dynamic = _elf.NO_DYNAMIC, origin: str = "") -> Optional[str]:
    """Where the dynamic linker would find a library; None if it cannot be told.

    Args:
        soname: name of the library.
        dynamic: dynamic section of the library that needs it.
        origin: folder of the library that needs it.
    """
    environment = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    rpath = () if dynamic.runpath else dynamic.rpath
    for folder in (*rpath, *filter(None, environment), *dynamic.runpath):
        folder = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        path = os.path.join(folder, soname)
        if os.path.exists(path):
            return path
    return _find_in_cache(soname)


def _find_in_cache(soname: str) -> Optional[str]:
    # The cache's index is binary, but the paths in it are plain strings between zero bytes.
    try:
        cache = Path("/etc/ld.so.cache").read_bytes()
    except OSError:
        return None
    entry = re.search(rb"\0(/[^\0]*/" + re.escape(os.fsencode(soname)) + rb")\0", cache)
    return os.fsdecode(entry[1]) if entry else None


def _same_content(one: str, other: str) -> bool:
    """Whether two files are one, or copies: the same wheel in two environments is harmless."""
    try:
        return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False

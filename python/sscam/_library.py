"""Finds and loads the shared library."""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import os
from pathlib import Path
from typing import Optional

from . import _constants, _libtorch

_ENVIRONMENT = "SSCAM_LIBRARY"
_SONAME = f"libsscam.so.{_constants.ABI_VERSION}"


def load() -> ctypes.CDLL:
    """Load $SSCAM_LIBRARY, or the library beside this package, or the system's.

    Raises:
        ImportError: there is none, it has another binary interface, or this process has already
            loaded another libtorch than the one it was linked with.
    """
    name = _choose()
    _libtorch.check_before_loading(name)
    try:
        library = ctypes.CDLL(name)
    except OSError as failure:
        raise ImportError(_not_loaded(name, failure), name="sscam", path=name) from failure
    _check_interface(library, name)
    _libtorch.watch_imports()
    return library


def _choose() -> str:
    named = os.environ.get(_ENVIRONMENT)
    if named:
        return named
    bundled = _bundled()
    return str(bundled) if bundled else _SONAME


def _bundled() -> Optional[Path]:
    """The library beside this package, of which a wheel may hold one for each of several releases
    of torch; None if there is none.

    Raises:
        ImportError: it was built for another torch than the one that is installed.
    """
    folder = Path(__file__).parent
    releases = _torch_releases()
    if not releases:
        only = folder / _SONAME
        return only if only.exists() else None
    found = _installed_torch()
    if found not in releases:
        raise ImportError(
            f"this sscam was built for torch {' and '.join(releases)}, and the environment has "
            f"{'torch ' + found if found else 'no torch'}: install sscam again, or "
            f"torch=={releases[-1]}",
            name="sscam",
            path=str(folder),
        )
    return folder / _SONAME if len(releases) == 1 else folder / f"torch-{found}" / _SONAME


def _torch_releases() -> list[str]:
    """Those that this package was built for; empty where it uses the system's libtorch."""
    try:
        build = importlib.import_module("sscam._build")
    except ImportError:  # The package was not installed by pip.
        return []
    releases: list[str] = build.TORCH_RELEASES
    return releases


def _installed_torch() -> str:
    """Its release; empty where there is none."""
    try:
        return importlib.metadata.version("torch").partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def _not_loaded(name: str, failure: OSError) -> str:
    if os.environ.get(_ENVIRONMENT):
        return f"libsscam, as ${_ENVIRONMENT} names it, cannot be loaded: {failure}"
    return (
        f"libsscam cannot be loaded ({failure}): install it where the dynamic linker looks, "
        f"or let the environment variable {_ENVIRONMENT} name the file"
    )


def _check_interface(library: ctypes.CDLL, name: str) -> None:
    try:
        found = library.sscam_abi_version()
    except AttributeError:
        raise ImportError(
            f"{name} is not libsscam: it has no sscam_abi_version", name="sscam", path=name
        ) from None
    if found != _constants.ABI_VERSION:
        raise ImportError(
            f"{name} has version {found} of the binary interface; this package "
            f"needs version {_constants.ABI_VERSION}",
            name="sscam",
            path=name,
        )

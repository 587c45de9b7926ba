"""Finds and loads the shared library."""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import os
from pathlib import Path

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
    if name == str(_bundled()):
        _check_torch_release(name)
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
    return str(_bundled()) if _bundled().exists() else _SONAME


def _bundled() -> Path:
    return Path(__file__).with_name(_SONAME)


def _check_torch_release(library: str) -> None:
    """Raise ImportError where the library of this package was built for another torch than the one
    that is installed beside it."""
    try:
        build = importlib.import_module("sscam._build")
    except ImportError:  # The package was not installed by pip.
        return
    wanted: str = build.TORCH_RELEASE
    if not wanted:
        return
    try:
        found = importlib.metadata.version("torch").partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != wanted:
        raise ImportError(
            f"this sscam was built for torch {wanted}, and the environment has "
            f"{'torch ' + found if found != 'none' else 'no torch'}: install sscam again, or "
            f"torch=={wanted}",
            name="sscam",
            path=library,
        )


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

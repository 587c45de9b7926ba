"""What the wrappers of native objects share: ownership, text and memory."""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any, Callable, Union

import numpy as np
import numpy.typing as npt

from . import _native


class Handle:
    """Owns one native object; frees it when closed or with its last reference.

    Attributes:
        pointer: what the library's functions take.
    """

    __slots__ = ("__weakref__", "_finalizer", "pointer")

    def __init__(self, pointer: Any, destroy: Callable[[Any], None]) -> None:
        self.pointer = pointer
        self._finalizer = weakref.finalize(self, destroy, pointer)
        # A daemon thread may still be inside the library when the interpreter ends.
        self._finalizer.atexit = False

    @property
    def closed(self) -> bool:
        return not self._finalizer.alive

    def close(self) -> None:
        """Free the object now; further calls do nothing."""
        self._finalizer()


def encode(text: Union[str, bytes, os.PathLike[Any]]) -> bytes:
    """Text or a file name for the library.

    Raises:
        ValueError: it contains a zero byte, where C would end it.
    """
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError(f"embedded null byte in {text!r}")
    return encoded


def decode(text: bytes) -> str:
    """Text from the library; what encode() makes the same bytes of."""
    return os.fsdecode(text)


def taken_text(text: ctypes.c_char_p) -> str:
    """Text that a function of the library allocated for its caller, which is freed."""
    try:
        return decode(text.value or b"")
    finally:
        _native.sscam_free(text)


# --- memory -------------------------------------------------------------------------------------

# ctypes.cast(), on which array.ctypes.data_as() and numpy.ctypeslib stand, leaves a reference
# cycle behind at each call; these do not.


class _NativeMemory:
    """Memory inside a native object, as NumPy's array interface; keeps its owner alive."""

    def __init__(
        self, owner: object, address: int, shape: tuple[int, ...], dtype: type[np.generic]
    ) -> None:
        self.owner = owner
        read_only = True
        self.__array_interface__ = {
            "version": 3,
            "typestr": np.dtype(dtype).str,
            "shape": shape,
            "data": (address, read_only),
        }


def view(
    owner: object, first: Any, shape: tuple[int, ...], dtype: type[np.generic]
) -> npt.NDArray[Any]:
    """Read-only array of what the C pointer `first` points to, without a copy.

    Args:
        owner: what has to live as long as the array.
    """
    return np.asarray(_NativeMemory(owner, ctypes.addressof(first.contents), shape, dtype))


def first_of(array: npt.NDArray[Any], kind: Any) -> Any:
    """A contiguous array as a pointer argument for one call; the caller keeps it alive.

    Args:
        kind: type of its elements to ctypes, such as c_float.
    """
    return ctypes.byref(kind.from_address(array.ctypes.data))

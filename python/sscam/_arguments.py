"""Inputs and classes as arguments of the library."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._errors import ArgumentError, ClassError
from ._handle import first_of
from ._labels import Labels, class_named
from ._tensors import is_on_gpu

_IMAGE_CHANNELS = (1, 3, 4)
_LARGEST_INDEX = 2**63 - 1


_SHAPES = {1: "[C,W] or [N,C,W]", 2: "[C,H,W] or [N,C,H,W]", 3: "[C,D,H,W] or [N,C,D,H,W]"}
_LIKELY_DIMENSIONS = {2: 1, 3: 2, 4: 2, 5: 3}  # spatial ones, by an array's rank


def as_batch(array: Any, dimensions: Optional[int] = None) -> npt.NDArray[np.float32]:
    """Contiguous float32 [N,C,...] of an array with or without N.

    Args:
        dimensions: how many of them are spatial: 1 for sound, 2 for images, 3 for video; None
            for the usual number of arrays of its rank.

    Raises:
        TypeError: it is no array, or not of floating-point numbers.
        ArgumentError: its shape is no input's.
    """
    if is_on_gpu(array):
        raise TypeError("this takes inputs in the host's memory: copy the array there")
    if not isinstance(array, np.ndarray):
        raise TypeError(
            "expected an image (file name, encoded bytes, PIL image or uint8 array) "
            f"or a float32 array [N,C,H,W] or [C,H,W], not {type(array).__name__}"
        )
    if array.dtype.kind != "f":
        raise TypeError(f"an array must hold uint8 pixels or float32 inputs, not {array.dtype}")
    if dimensions not in (None, *_SHAPES):
        raise ArgumentError(f"dimensions must be 1, 2, 3 or None, not {dimensions!r}")
    if dimensions is None:
        dimensions = _LIKELY_DIMENSIONS.get(array.ndim, 2)
    if array.ndim not in (dimensions + 1, dimensions + 2):
        raise ArgumentError(
            f"a float array with {dimensions} spatial dimensions must be "
            f"{_SHAPES[dimensions]}, not of shape {array.shape}"
        )
    if dimensions == 2 and looks_like_pixels(array.shape):
        raise ArgumentError(
            f"a float array must be [C,H,W]; the shape {array.shape} looks like an image "
            "[height, width, channels], which this does not take"
        )
    batch = array if array.ndim == dimensions + 2 else array[np.newaxis]
    return np.ascontiguousarray(batch, dtype=np.float32)


def looks_like_pixels(shape: tuple[int, ...]) -> bool:
    """Whether a shape is rather [height, width, channels] than [C,H,W]."""
    return len(shape) == 3 and shape[2] in _IMAGE_CHANNELS and shape[0] not in _IMAGE_CHANNELS


def shape_argument(shape: tuple[int, ...]) -> Any:
    """A shape as the library takes it."""
    return (ctypes.c_int64 * len(shape))(*shape)


def floats_argument(array: npt.NDArray[np.float32]) -> Any:
    """A contiguous array as the library takes it; the caller keeps it alive."""
    return first_of(array, ctypes.c_float)


def array_argument(array: npt.NDArray[np.float32]) -> _native.Array:
    """A contiguous array as the library's struct; the caller keeps the array alive."""
    return _native.Array(
        struct_size=ctypes.sizeof(_native.Array),
        data=array.ctypes.data,
        shape=shape_argument(array.shape),
        rank=array.ndim,
    )


def mask_argument(mask: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Contiguous uint8 [height,width] of a mask of bool or uint8.

    Raises:
        TypeError: it is of other numbers.
        ArgumentError: its shape is no mask's.
    """
    if mask.dtype.kind != "b" and mask.dtype != np.uint8:
        raise TypeError(f"option region: a mask must be of bool or uint8, not {mask.dtype}")
    if mask.ndim != 2 or mask.size == 0:
        raise ArgumentError(f"option region: a mask must be [height, width], not {mask.shape}")
    return np.ascontiguousarray(mask, dtype=np.uint8)


def target_weights_argument(weights: Any) -> npt.NDArray[np.float32]:
    """Contiguous float32 [outputs] of the weights of a target.

    Raises:
        TypeError: they are no numbers.
        ArgumentError: their shape is not [outputs].
    """
    array = np.asarray(weights)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"option target: weights must be numbers, not {array.dtype}")
    if array.ndim != 1 or array.size == 0:
        raise ArgumentError(f"option target: weights must be [outputs], not {array.shape}")
    return np.ascontiguousarray(array, dtype=np.float32)


# --- classes ------------------------------------------------------------------------------------


class Ranked(NamedTuple):
    """A class by its rank, in place of its index: Ranked(2) has the second highest output."""

    rank: int  #: 1 or more; Ranked(1) is what None stands for


#: The highest for None; a name where the model has labels.
ClassIndex = Union[int, str, Ranked, None]


def class_argument(class_index: ClassIndex, labels: Optional[Labels] = None) -> int:
    """A class as the library takes it; None stands for the highest."""
    if class_index is None:
        return _constants.CLASS_TOP
    if isinstance(class_index, str):
        return class_named(class_index, labels)
    if isinstance(class_index, Ranked):
        return -_rank(class_index)
    try:
        index = operator.index(class_index)
    except TypeError:
        raise TypeError(
            f"class_index must be a whole number, a name or None, not {type(class_index).__name__}"
        ) from None
    # The library reads -1 as the highest class, and ctypes cuts numbers to 64 bits.
    if not 0 <= index <= _LARGEST_INDEX:
        raise ClassError(f"class {index}: there is no such output; None stands for the highest")
    return index


def _rank(ranked: Ranked) -> int:
    try:
        rank = operator.index(ranked.rank)
    except TypeError:
        raise TypeError(
            f"Ranked() takes a whole number, not {type(ranked.rank).__name__}"
        ) from None
    if not 1 <= rank <= _LARGEST_INDEX:
        raise ClassError(f"Ranked({rank}): ranks begin with 1")
    return rank


def class_arguments(class_index: Any, count: int, labels: Optional[Labels] = None) -> Any:
    """One class for each of `count` inputs, of a sequence of them or of one for all."""
    is_array = isinstance(class_index, np.ndarray) and class_index.ndim > 0
    is_sequence = isinstance(class_index, Sequence) and not isinstance(class_index, (Ranked, str))
    indices = list(class_index) if is_array or is_sequence else [class_index] * count
    if len(indices) != count:
        raise ArgumentError(f"class_index: {len(indices)} classes for {count} inputs")
    return (ctypes.c_int64 * count)(*(class_argument(index, labels) for index in indices))

"""Inputs of networks in the order of axes and the type that they take, and their other inputs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._arguments import array_argument, as_batch, shape_argument
from ._errors import ArgumentError
from ._handle import decode, encode
from ._tensors import array_like

#: An input of a network besides the one that is explained: an array, a number or flag, or a
#: dictionary or list of these.
InputValue = Union[npt.ArrayLike, Mapping[str, Any]]

_USUAL = ("", "nchw")  #: layouts of which as_batch() knows everything
_PIXEL_CHANNELS = (1, 3, 4)


class InputForm(NamedTuple):
    """How a network takes the input that is explained."""

    layout: str  #: order of its axes, such as "nhwc"; "" where it is unknown
    type: str  #: of its elements, such as "float32"

    @property
    def takes_whole_numbers(self) -> bool:
        return not self.type.startswith(("float", "bfloat"))

    def takes(self, value: Any) -> bool:
        """Whether an array of whole numbers is an input of the network rather than an image."""
        if not isinstance(value, np.ndarray):
            return False
        if value.dtype.kind == "f":
            return self.layout == "hwc" and value.ndim == 3
        is_image = value.ndim == 2 or (value.ndim == 3 and value.shape[2] in _PIXEL_CHANNELS)
        return self.takes_whole_numbers and not is_image


class Inputs(NamedTuple):
    """Inputs as the library takes them."""

    argument: _native.Array
    rows: int  #: N
    has_batch: bool  #: whether the caller gave N
    owner: npt.NDArray[Any]  #: what the argument refers to


def as_inputs(array: Any, dimensions: Optional[int], form: InputForm) -> Inputs:
    """The inputs of an array with or without N, in the network's order of axes.

    Raises:
        TypeError: it is no array, or of elements that the network does not take.
        ArgumentError: its shape is no input's.
    """
    if not _is_in_own_order(array, dimensions, form):
        batch = as_batch(array, dimensions)
        return Inputs(array_argument(batch), len(batch), array.ndim == batch.ndim, batch)
    layout = form.layout or "nchw"
    own, usual = len(layout), 2 + len(layout.replace("n", "").replace("c", ""))
    is_batch = array.ndim == usual or (array.ndim == own and "n" in layout)
    is_single = array.ndim in (usual - 1, own) or (array.ndim == own - 1 and "n" in layout)
    if not is_batch and not is_single:
        raise ArgumentError(
            f"the network takes the axes {layout} (option input_layout), and an array of shape "
            f"{array.shape} has none of them"
        )
    owner = _prepared(array)
    return Inputs(argument_of(owner), len(array) if is_batch else 1, is_batch, owner)


def _is_in_own_order(array: Any, dimensions: Optional[int], form: InputForm) -> bool:
    """Whether the library is to say which axes are which, and not the number of dimensions."""
    if not isinstance(array, np.ndarray):
        return False
    if array.dtype.kind in "iu":
        return form.takes_whole_numbers
    return array.dtype.kind == "f" and dimensions is None and form.layout not in _USUAL


def _prepared(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, contiguous and of a type that the library reads."""
    kind = array.dtype.kind
    if kind == "b" or array.dtype == np.uint8:
        return np.asarray(array, order="C")
    if kind not in "iuf":
        raise TypeError(f"an input must hold numbers or flags, not {array.dtype}")
    return np.asarray(array, np.float32 if kind == "f" else np.int64, order="C")


_ELEMENTS = {
    "float32": _constants.ELEMENT_FLOAT32,
    "uint8": _constants.ELEMENT_UINT8,
    "int64": _constants.ELEMENT_INT64,
    "bool": _constants.ELEMENT_BOOL,
}


def argument_of(array: npt.NDArray[Any]) -> _native.Array:
    """An array that _prepared() gave as the library's struct; the caller keeps it alive."""
    return _native.Array(
        struct_size=ctypes.sizeof(_native.Array),
        data=array.ctypes.data,
        shape=shape_argument(array.shape),
        rank=array.ndim,
        element_type=_ELEMENTS[array.dtype.name],
    )


def named_arrays(inputs: Mapping[str, Any]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Names and arrays of inputs, of dictionaries and lists element by element: "x.depth", "x.0".

    Raises:
        TypeError: one is no number, flag or array.
    """
    for name, value in inputs.items():
        value = array_like(value)
        if isinstance(value, Mapping):
            yield from named_arrays({f"{name}.{key}": inner for key, inner in value.items()})
        elif isinstance(value, (list, tuple)) and not all(np.isscalar(item) for item in value):
            yield from named_arrays({f"{name}.{i}": inner for i, inner in enumerate(value)})
        else:
            yield name, _prepared(np.asarray(value))


class ModelInputs:
    """The struct that sscam_model_with_inputs() takes; it keeps what the struct refers to."""

    def __init__(
        self,
        inputs: Mapping[str, Any],
        layout: Optional[str],
        type_: Optional[str],
        image_input: Optional[str],
    ) -> None:
        found = list(named_arrays(inputs))
        self._arrays = [array for _, array in found]
        self._arguments = [argument_of(array) for array in self._arrays]
        self._names = (ctypes.c_char_p * len(found))(*(encode(name) for name, _ in found))
        self._values = (ctypes.POINTER(_native.Array) * len(found))(
            *[ctypes.pointer(argument) for argument in self._arguments]
        )
        self.argument = _native.ModelInputs(
            struct_size=ctypes.sizeof(_native.ModelInputs),
            layout=None if layout is None else encode(layout),
            type=None if type_ is None else encode(type_),
            image_input=None if image_input is None else encode(image_input),
            count=len(found),
            names=self._names,
            values=self._values,
        )


def form_of_model(pointer: Any) -> InputForm:
    """How a native model takes inputs."""
    return InputForm(
        decode(_native.sscam_model_input_layout(pointer)),
        decode(_native.sscam_model_input_type(pointer)),
    )

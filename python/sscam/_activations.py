"""Maps from activations that the caller has."""

from __future__ import annotations

import ctypes
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _native
from ._arguments import array_argument, shape_argument
from ._errors import ArgumentError, check
from ._handle import encode
from ._map import Map
from ._tables import OptionValue, check_keywords, option_named, to_text
from ._tensors import array_like


def map_from_activations(
    activations: Any,
    method: str = "grad-cam",
    gradients: Any = None,
    class_weights: Any = None,
    size: Optional[tuple[int, ...]] = None,
    dimensions: int = 2,
    layer: Optional[str] = None,
    **options: OptionValue,
) -> Map:
    """The map of a layer's activations by a method that needs no network.

    Formulas, raw map and weights are those of Explainer.explain() for the same activations.
    Map.class_index is -1, Map.logit and Map.probability are 0.

    Args:
        activations: [K, h, w] or [1, K, h, w] of floating-point numbers, from any framework whose
            arrays NumPy takes; [K, w] of sound and [K, d, h, w] of video with other `dimensions`.
        method: name from methods(): `cam` needs class weights, `eigen-cam` nothing, and those
            whose needs_gradients alone is set need gradients.
        gradients: derivatives of the class's output by the activations, of the same shape.
        class_weights: [K], the last layer's weights for the class.
        size: sides of the map, such as the (height, width) of the network's input; None for those
            of the activations.
        dimensions: how many sides there are: 1 for sound, 2 for images, 3 for video.
        layer: what Map.layer and messages name.
        **options: `eigen_smooth` and `combine`.

    Raises:
        ArgumentError: an array has another shape than it should, or holds NaN or infinity.
        UnsupportedError: the method needs gradients, class weights or a network.
        TypeError: an array is not of floating-point numbers.

    >>> import numpy as np
    >>> activations = np.ones((2, 3, 3), np.float32)
    >>> activations[1, 1, 1] = 5
    >>> found = map_from_activations(activations, "eigen-cam", size=(6, 6))
    >>> found.raw.shape, found.data.shape
    ((3, 3), (6, 6))
    """
    if dimensions not in (1, 2, 3):
        raise ArgumentError(f"dimensions must be 1, 2 or 3, not {dimensions!r}")
    if size is not None and len(size) != dimensions:
        raise ArgumentError(f"size must have {dimensions} numbers, not {len(size)}")
    check_keywords("map_from_activations()", options)
    arrays = [
        _floats(name, value)
        for name, value in (
            ("activations", activations),
            ("gradients", gradients),
            ("class_weights", class_weights),
        )
    ]
    given = _native.Activations(
        struct_size=ctypes.sizeof(_native.Activations),
        sides=shape_argument(tuple(size)) if size is not None else None,
        rank=dimensions,
        layer=encode(layer) if layer is not None else None,
    )
    for field, array in zip(("activations", "gradients", "class_weights"), arrays):
        if array is not None:
            setattr(given, field, ctypes.pointer(array_argument(array)))
    texts = [
        encode(text)
        for name, value in options.items()
        for text in (name, to_text(option_named(name), value))
    ]
    given.options = (ctypes.c_char_p * len(texts))(*texts)
    given.option_count = len(options)
    found = ctypes.POINTER(_native.Map)()
    check(
        _native.sscam_map_from_activations(encode(method), ctypes.byref(given), ctypes.byref(found))
    )
    return Map(found)


def _floats(name: str, value: Any) -> Optional[npt.NDArray[np.float32]]:
    """Contiguous float32 of an array; None for None."""
    if value is None:
        return None
    array = array_like(value)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        kind = array.dtype if isinstance(array, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} must be an array of floating-point numbers, not {kind}")
    return np.ascontiguousarray(array, dtype=np.float32)

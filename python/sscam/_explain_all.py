"""Several explanations in one call."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterable, Sequence
from typing import Any, Optional, overload

import numpy as np
import numpy.typing as npt

from . import _native
from ._arguments import (
    ClassIndex,
    class_argument,
)
from ._errors import ArgumentError
from ._explainer import Explainer, labelled_map
from ._image import ImageLike, is_image, opened
from ._inputs import as_inputs
from ._map import Map
from ._progress import Progress, call_with_progress
from ._tensors import array_like, gpu_input, is_on_gpu


@overload
def explain_all(
    explainers: Iterable[Explainer],
    image: ImageLike,
    classes: Optional[Sequence[ClassIndex]] = ...,
    progress: Optional[Progress] = ...,
) -> list[list[Map]]: ...


@overload
def explain_all(
    explainers: Iterable[Explainer],
    image: npt.NDArray[np.floating[Any]],
    classes: Optional[Sequence[ClassIndex]] = ...,
    progress: Optional[Progress] = ...,
    dimensions: Optional[int] = ...,
) -> Any: ...


def explain_all(
    explainers: Iterable[Explainer],
    image: Any,
    classes: Optional[Sequence[ClassIndex]] = None,
    progress: Optional[Progress] = None,
    dimensions: Optional[int] = None,
) -> Any:
    """Explain several classes with several explainers. What they share is computed once: the pass
    to the target layer, and scores of masked inputs that several maps need.

    Each map equals the one that explain() gives, up to the network's rounding in batches of other
    sizes; Map.passes counts a shared pass once.

    Args:
        explainers: explainers of one model; for an image with the same preprocessing options.
        image: as for Model.explain().
        classes: indices of the network's outputs, each possibly None for the highest or Ranked(k);
            None means the highest alone.
        progress: as for Model.explain(), for all explanations together.
        dimensions: as for Model.explain().

    Returns:
        maps[explainer][class]; for inputs with N a list of N of these.

    >>> import sscam
    >>> with sscam.Model(model_path) as model:
    ...     pair = [sscam.Explainer(model, method) for method in ("grad-cam", "grad-cam++")]
    ...     maps = explain_all(pair, image_path, classes=[0, 1, 2])
    >>> [[found.class_index for found in row] for row in maps]
    [[0, 1, 2], [0, 1, 2]]
    """
    listed = list(explainers)
    if not listed:
        raise ArgumentError("explain_all() needs an explainer")
    wanted = class_list(classes, listed[0])
    image = array_like(image)
    if is_on_gpu(image):
        given = gpu_input(image, dimensions)
        batches = _explain_inputs(
            listed, _native.sscam_explain_cuda_all, given.argument, given.shape[0], wanted, progress
        )
        return batches if given.has_batch else batches[0]
    form = listed[0]._input_form()
    if dimensions is None and is_image(image) and not form.takes(image):
        return _explain_image(listed, image, wanted, progress)
    inputs = as_inputs(image, dimensions, form)
    batches = _explain_inputs(
        listed,
        _native.sscam_explain_array_all,
        inputs.argument,
        inputs.rows,
        wanted,
        progress,
    )
    return batches if inputs.has_batch else batches[0]


def class_list(
    classes: Optional[Sequence[ClassIndex]], explainer: Explainer
) -> Optional[list[int]]:
    """Classes as the library takes them; names are those of the explainer's model."""
    if classes is None:
        return None
    if isinstance(classes, str):
        raise TypeError("classes must be a sequence of classes, not a single name")
    return [class_argument(index, explainer._labels) for index in classes]


def _explain_image(
    explainers: list[Explainer],
    image: ImageLike,
    wanted: Optional[list[int]],
    progress: Optional[Progress],
) -> list[list[Map]]:
    classes, class_count = _classes_argument(wanted, 1)
    maps = (ctypes.POINTER(_native.Map) * (len(explainers) * class_count))()
    with opened(image) as native, contextlib.ExitStack() as uses:
        pointers = use_explainers(explainers, uses)
        call_with_progress(
            pointers[0],
            progress,
            lambda: _native.sscam_explain_image_all(
                pointers, len(pointers), native, classes, class_count, maps
            ),
        )
    labels = explainers[0]._labels
    return _nested([labelled_map(found, labels, image) for found in maps], class_count)


def _explain_inputs(
    explainers: list[Explainer],
    function: Any,
    array: Any,
    count: int,
    wanted: Optional[list[int]],
    progress: Optional[Progress],
) -> list[list[list[Map]]]:
    classes, class_count = _classes_argument(wanted, count)
    maps = (ctypes.POINTER(_native.Map) * (count * len(explainers) * class_count))()
    with contextlib.ExitStack() as uses:
        pointers = use_explainers(explainers, uses)
        call_with_progress(
            pointers[0],
            progress,
            lambda: function(
                pointers,
                len(pointers),
                ctypes.byref(array),
                classes,
                class_count,
                maps,
            ),
        )
    labels = explainers[0]._labels
    found = [labelled_map(pointer, labels) for pointer in maps]
    return _nested(_nested(found, class_count), len(explainers))


def _classes_argument(wanted: Optional[list[int]], inputs: int) -> tuple[Any, int]:
    """The classes for each of a number of inputs, and how many an input has."""
    if wanted is None:
        return None, 1
    return (ctypes.c_int64 * (inputs * len(wanted)))(*wanted * inputs), len(wanted)


def use_explainers(explainers: list[Explainer], uses: contextlib.ExitStack) -> Any:
    """The native explainers, for this thread alone until `uses` is closed."""
    pointer_of = {
        explainer: uses.enter_context(explainer._used()) for explainer in dict.fromkeys(explainers)
    }
    return (ctypes.POINTER(_native.Explainer) * len(explainers))(
        *(pointer_of[explainer] for explainer in explainers)
    )


def _nested(items: list[Any], length: int) -> list[list[Any]]:
    """Consecutive slices of one length."""
    return [items[start : start + length] for start in range(0, len(items), length)]

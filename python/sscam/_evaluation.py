"""Metrics of methods on many images."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._arguments import ClassIndex
from ._errors import ArgumentError, check
from ._explain_all import class_list, use_explainers
from ._explainer import Explainer, labelled_map
from ._handle import Handle, encode
from ._image import ImageLike, opened
from ._map import Map
from ._progress import Progress, call_with_progress
from ._tensors import array_like


class Total(NamedTuple):
    """Mean of a metric over the cases where it is defined, with a 95 % confidence interval."""

    mean: float  #: NaN without a defined value
    lower: float
    upper: float
    defined: int  #: cases that the mean is taken over
    undefined: int  #: cases that were left out


class Evaluation:
    """Metrics of several methods on many images: a value for each method and case, which is a class
    on an image, and totals over all cases.

    Belongs to one thread at a time, together with its explainers.

    Args:
        explainers: one explainer for each method, of one model, with the same options of
            preprocessing and metrics; or their number, for values that are known already.

    Raises:
        ArgumentError: there are none, or they are of several models.

    >>> import sscam
    >>> with sscam.Model(model_path) as model:
    ...     pair = [sscam.Explainer(model, method) for method in ("grad-cam", "eigen-cam")]
    ...     evaluation = Evaluation(pair)
    ...     cases = evaluation.add(image_path, boxes=[(10, 20, 200, 220)])
    >>> 0 <= evaluation.value(0, cases[0], "energy_pointing") <= 100
    True
    >>> evaluation.total(1, "average_drop").defined
    1
    """

    def __init__(self, explainers: Union[Iterable[Explainer], int]) -> None:
        self._explainers = [] if isinstance(explainers, int) else list(explainers)
        self._method_count = explainers if isinstance(explainers, int) else len(self._explainers)
        self._lock = threading.RLock()
        self._image: Optional[ImageLike] = None  # that was added last
        pointer = ctypes.POINTER(_native.Evaluation)()
        with contextlib.ExitStack() as uses:
            pointers = use_explainers(self._explainers, uses) if self._explainers else None
            check(
                _native.sscam_evaluation_create(pointers, self._method_count, ctypes.byref(pointer))
            )
        self._handle = Handle(pointer, _native.sscam_evaluation_unref)

    @contextlib.contextmanager
    def _used(self) -> Iterator[Any]:
        """The native evaluation, for this thread alone; a progress callback is of this thread."""
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this Evaluation is in use by another thread")
        try:
            yield self._handle.pointer
        finally:
            self._lock.release()

    def add(
        self,
        image: ImageLike,
        classes: Optional[Sequence[ClassIndex]] = None,
        boxes: Any = None,
        box_classes: Optional[Sequence[int]] = None,
        maps: Optional[Sequence[Optional[Sequence[Map]]]] = None,
        progress: Optional[Progress] = None,
    ) -> range:
        """Explain classes of an image by all methods, and add a case for each class.

        Args:
            image: as for Model.explain(), but no array of floats.
            classes: indices of the network's outputs, each possibly None for the highest or
                Ranked(k); None means the highest alone.
            boxes: [n, 4], left, top, right and bottom edges in pixels of the image.
            box_classes: for each box the position of its class in `classes`; None: all are of the
                first.
            maps: maps[method][class] to evaluate in place of those that the explainers would
                compute; None for a method that is explained.
            progress: as for Model.explain().

        Returns:
            positions of the new cases.
        """
        if not self._explainers:
            raise ArgumentError("this Evaluation has no explainers")
        wanted = class_list(classes, self._explainers[0])
        cases, kept = self._case_argument(wanted, boxes, box_classes, maps)
        with self._used() as pointer, opened(array_like(image)) as native:
            with contextlib.ExitStack() as uses:
                explainers = use_explainers(self._explainers, uses)
                call_with_progress(
                    explainers[0],
                    progress,
                    lambda: _native.sscam_evaluation_add(pointer, native, ctypes.byref(cases)),
                )
            del kept
            self._image = image
            return range(len(self) - cases.class_count, len(self))

    def _case_argument(
        self,
        wanted: Optional[list[int]],
        boxes: Any,
        box_classes: Optional[Sequence[int]],
        maps: Optional[Sequence[Optional[Sequence[Map]]]],
    ) -> tuple[_native.EvaluationCase, list[Any]]:
        """What the library takes, and what has to live as long."""
        cases = _native.EvaluationCase(
            struct_size=ctypes.sizeof(_native.EvaluationCase),
            class_count=1 if wanted is None else len(wanted),
        )
        if wanted is not None:
            cases.classes = (ctypes.c_int64 * len(wanted))(*wanted)
        if boxes is not None:
            edges = np.asarray(boxes, np.float32).reshape(-1, 4)
            cases.boxes = (ctypes.c_float * edges.size)(*edges.ravel().tolist())
            cases.box_count = len(edges)
        if box_classes is not None:
            if len(box_classes) != cases.box_count:
                raise ArgumentError(f"{len(box_classes)} box_classes for {cases.box_count} boxes")
            cases.box_classes = (ctypes.c_int64 * len(box_classes))(*box_classes)
        kept = [] if maps is None else list(maps)
        if maps is not None:
            cases.maps = self._maps_argument(maps, cases.class_count)
        return cases, kept

    def _maps_argument(self, maps: Sequence[Optional[Sequence[Map]]], class_count: int) -> Any:
        if len(maps) != self._method_count:
            raise ArgumentError(f"maps of {len(maps)} methods, not of {self._method_count}")
        pointers = (ctypes.POINTER(_native.Map) * (self._method_count * class_count))()
        for method, of_method in enumerate(maps):
            if of_method is None:
                continue
            if len(of_method) != class_count:
                raise ArgumentError(
                    f"method {method}: {len(of_method)} maps for {class_count} classes"
                )
            for position, given in enumerate(of_method):
                pointers[method * class_count + position] = given._handle.pointer
        return pointers

    def add_known(self, class_index: int) -> int:
        """Add a case whose values are known; all are absent until set_value() sets them.

        Returns:
            position of the case.
        """
        with self._used() as pointer:
            check(_native.sscam_evaluation_add_known(pointer, class_index))
            return len(self) - 1

    def set_value(self, method: int, case: int, metric: str, value: float) -> None:
        """Set a value of a case; NaN stands for undefined."""
        with self._used() as pointer:
            check(
                _native.sscam_evaluation_set_value(pointer, method, case, _metric_id(metric), value)
            )

    def __len__(self) -> int:
        """Number of cases."""
        with self._used() as pointer:
            return int(_native.sscam_evaluation_case_count(pointer))

    @property
    def method_count(self) -> int:
        """Number of methods."""
        return self._method_count

    def class_index(self, case: int) -> int:
        """The class of a case."""
        with self._used() as pointer:
            index = _native.sscam_evaluation_class_index(pointer, case)
        if index < 0:
            raise IndexError(f"case {case} of {len(self)}")
        return int(index)

    def value(self, method: int, case: int, metric: str) -> Optional[float]:
        """A value in the metric's unit; NaN where it is undefined, None where it was not computed.

        Raises:
            IndexError: there is no such method or case.
            KeyError: there is no such metric.
        """
        value = ctypes.c_double()
        with self._used() as pointer:
            if not 0 <= method < self._method_count or not 0 <= case < len(self):
                raise IndexError(
                    f"method {method} of {self._method_count}, case {case} of {len(self)}"
                )
            state = _native.sscam_evaluation_value(
                pointer, method, case, _metric_id(metric), ctypes.byref(value)
            )
        return None if state == _constants.VALUE_ABSENT else value.value

    def total(self, method: int, metric: str) -> Total:
        """Mean of a metric over all cases; see sscam_evaluation_total()."""
        total = _native.MetricTotal(struct_size=ctypes.sizeof(_native.MetricTotal))
        with self._used() as pointer:
            check(
                _native.sscam_evaluation_total(
                    pointer, method, _metric_id(metric), ctypes.byref(total)
                )
            )
        return Total(
            total.mean, total.lower, total.upper, total.defined_count, total.undefined_count
        )

    def curve(self, method: int, metric: str) -> npt.NDArray[np.float64]:
        """The mean insertion or deletion curve: the class's probability after each step; empty
        while there is none."""
        count = ctypes.c_int64()
        with self._used() as pointer:
            number = _metric_id(metric)
            check(
                _native.sscam_evaluation_curve(
                    pointer, method, number, None, 0, ctypes.byref(count)
                )
            )
            points = (ctypes.c_double * count.value)()
            check(
                _native.sscam_evaluation_curve(
                    pointer, method, number, points, count.value, ctypes.byref(count)
                )
            )
        return np.array(points, np.float64)

    def map(self, method: int, class_position: int) -> Map:
        """A map of the image that was added last.

        Args:
            class_position: position among the classes that were given for it.
        """
        with self._used() as pointer:
            found = _native.sscam_evaluation_map(pointer, method, class_position)
            if not found:
                raise IndexError(f"no map of method {method} and class {class_position}")
            labels = self._explainers[0]._labels if self._explainers else None
            return labelled_map(_native.sscam_map_ref(found), labels, self._image)

    def __repr__(self) -> str:
        return f"<sscam.Evaluation of {self._method_count} methods>"


def _metric_id(name: str) -> int:
    row = _native.sscam_metric_find(encode(name))
    if not row:
        raise KeyError(f"there is no metric {name!r}; see metrics()")
    return int(_native.sscam_metric_id(row))

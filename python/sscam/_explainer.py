"""One method with its options, bound to a model."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union, overload

import numpy as np
import numpy.typing as npt

from . import _native
from ._arguments import (
    ClassIndex,
    class_argument,
    class_arguments,
    floats_argument,
    mask_argument,
    shape_argument,
    target_weights_argument,
)
from ._errors import check
from ._handle import Handle, decode, encode, first_of, taken_text
from ._image import ImageLike, is_image, opened
from ._inputs import InputForm, InputValue, argument_of, as_inputs, named_arrays
from ._labels import Labels
from ._map import Detection, Map, detection_of
from ._progress import Progress, call_with_progress
from ._tables import (
    OptionValue,
    check_keywords,
    document_options,
    from_text,
    option_named,
    to_text,
)
from ._tables import (
    options as option_table,
)
from ._tensors import GpuInput, array_like, gpu_input, is_on_gpu

if TYPE_CHECKING:
    from ._model import Model


class ClassScore(NamedTuple):
    """A class of an image."""

    class_index: int  #: of the network's output
    logit: float  #: the network's raw output
    probability: float  #: in [0,1], by the option `probability`
    label: Optional[str] = None  #: its name, where the model has labels


_MOST_DETECTIONS = 1024  # that the library finds


class Options(Mapping[str, OptionValue]):
    """The options of an explainer, by name; assign to change one, update() for several.

    Switches are True or False; `resize` and `crop` are a number, (height, width), or None for
    off; `resize` may be "fit"; `mean`, `std` and `padding` are tuples; `box` is a box (left, top,
    right, bottom), or None for none; `region` is a word, a box (left, top, right, bottom) or an
    array [height, width], bool or uint8, of which what is not zero is inside, and which reads back
    as "mask"; `target` is a word or an array of weights, one for each output of the network, whose
    weighted sum is explained and which reads back as "weights" (then "cosine" explains the outputs'
    similarity to it). Text in the library's own form is taken for every option.
    """

    __slots__ = ("_explainer",)

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer

    def __getitem__(self, name: str) -> OptionValue:
        option = option_named(name)
        text = ctypes.c_char_p()
        with self._explainer._used() as pointer:
            check(_native.sscam_explainer_get(pointer, encode(name), ctypes.byref(text)))
        return from_text(option, taken_text(text))

    def __setitem__(self, name: str, value: OptionValue) -> None:
        region = array_like(value) if name == "region" else None
        if isinstance(region, np.ndarray) and region.ndim != 1:
            self._set_region(region)
            return
        if name == "target" and not isinstance(value, str):
            self._set_target_weights(value)
            return
        text = encode(to_text(option_named(name), value))
        with self._explainer._used() as pointer:
            check(_native.sscam_explainer_set(pointer, encode(name), text))

    def _set_region(self, region: npt.NDArray[Any]) -> None:
        mask = mask_argument(region)
        with self._explainer._used() as pointer:
            check(
                _native.sscam_explainer_set_region(
                    pointer, first_of(mask, ctypes.c_uint8), *mask.shape
                )
            )

    def _set_target_weights(self, value: Any) -> None:
        weights = target_weights_argument(value)
        with self._explainer._used() as pointer:
            check(
                _native.sscam_explainer_set_target_weights(
                    pointer, first_of(weights, ctypes.c_float), len(weights)
                )
            )

    def __iter__(self) -> Iterator[str]:
        return (option.name for option in option_table())

    def __len__(self) -> int:
        return len(option_table())

    def update(self, **options: OptionValue) -> None:
        """Set several options; a preset first, whatever the order, so that the others win."""
        check_keywords("Options.update()", options)
        for name in sorted(options, key=lambda name: name != "preset"):
            self[name] = options[name]

    def __repr__(self) -> str:
        try:
            return f"<sscam.Options {dict(self)}>"
        except (RuntimeError, ValueError) as failure:  # in use, or closed
            return f"<sscam.Options: {failure}>"


class Explainer:
    """A method with its options, bound to a model; reusable, by one thread at a time.

    It keeps its own reference to the model, is freed with its last reference, by close(), or at
    the end of a `with` block.

    Args:
        model: the network.
        method: name from methods(); "score-cam" needs no gradients.
        layer: target layer, a name from Model.layers(); None for the default one.
        inputs: inputs of the network besides the one that is explained, as set_input() takes them.
        **options: see below; later changes go through the attribute `options`.

    Raises:
        ArgumentError: there is no such method, or an option's value is out of range.
        TypeError: an unknown keyword, or a value of the wrong type.
    """

    def __init__(
        self,
        model: Model,
        method: str = "grad-cam",
        layer: Optional[str] = None,
        *,
        inputs: Optional[Mapping[str, InputValue]] = None,
        **options: OptionValue,
    ) -> None:
        check_keywords("Explainer()", options)
        pointer = ctypes.POINTER(_native.Explainer)()
        with model._borrowed() as borrowed:
            check(_native.sscam_explainer_create(borrowed, encode(method), ctypes.byref(pointer)))
        self._handle = Handle(pointer, _native.sscam_explainer_unref)
        self._lock = threading.Lock()
        self._freeing = threading.RLock()  # signal handlers, too, may cancel
        self._method = method
        self._labels: Optional[Labels] = model.labels
        self.options.update(layer=layer, **options)
        for name, value in (inputs or {}).items():
            self.set_input(name, value)

    @property
    def method(self) -> str:
        """Name of the method."""
        return self._method

    @property
    def options(self) -> Options:
        """The options, to be read and changed by name."""
        return Options(self)

    def close(self) -> None:
        """Free the explainer; calling it again does nothing."""
        if self._handle.closed:
            return
        with self._used(), self._freeing:
            self._handle.close()

    def cancel(self) -> None:
        """End the call that uses this explainer, which then raises Cancelled.

        For other threads and signal handlers; without a call, nothing happens. A batch of network
        evaluations that has begun is finished first."""
        with self._freeing:
            if not self._handle.closed:
                _native.sscam_explainer_cancel(self._handle.pointer)

    def __enter__(self) -> Explainer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _used(self) -> Iterator[Any]:
        """The native explainer, for this thread alone; refuses instead of waiting, since a progress
        callback that uses its own explainer would wait for ever."""
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(
                "this Explainer is in use, by another thread or by the call whose "
                "progress callback this is; make one for each thread"
            )
        try:
            if self._handle.closed:
                raise ValueError("this Explainer is closed")
            yield self._handle.pointer
        finally:
            self._lock.release()

    @overload
    def explain(
        self, image: ImageLike, class_index: ClassIndex = ..., progress: Optional[Progress] = ...
    ) -> Map: ...

    @overload
    def explain(
        self,
        image: npt.NDArray[np.floating[Any]],
        class_index: Union[ClassIndex, Sequence[ClassIndex]] = ...,
        progress: Optional[Progress] = ...,
        dimensions: Optional[int] = ...,
    ) -> Any: ...

    def explain(
        self,
        image: Any,
        class_index: Any = None,
        progress: Optional[Progress] = None,
        dimensions: Optional[int] = None,
    ) -> Any:
        """Explain a class on an image, or on each of a batch of ready-made inputs.

        Arguments, result and exceptions are those of Model.explain().
        """
        image = array_like(image)
        if is_on_gpu(image):
            given = gpu_input(image, dimensions)
            maps = self._explain_gpu(given, class_index, progress)
            return maps if given.has_batch else maps[0]
        form = self._input_form()
        if dimensions is None and is_image(image) and not form.takes(image):
            return self._explain_image(image, class_index, progress)
        inputs = as_inputs(image, dimensions, form)
        maps = self._explain_inputs(
            _native.sscam_explain_array, inputs.argument, inputs.rows, class_index, progress
        )
        return maps if inputs.has_batch else maps[0]

    def _input_form(self) -> InputForm:
        """How the network takes inputs from this explainer."""
        layout, type_ = ctypes.c_char_p(), ctypes.c_char_p()
        with self._used() as pointer:
            check(
                _native.sscam_explainer_input_form(
                    pointer, ctypes.byref(layout), ctypes.byref(type_)
                )
            )
        return InputForm(decode(layout.value or b""), decode(type_.value or b""))

    def set_input(self, name: str, value: Optional[InputValue]) -> None:
        """Give an input of the network besides the one that is explained.

        Args:
            name: of the argument of forward(), or of the input of a program of torch.export;
                "x.depth" for the key `depth` of the dictionary `x`, "x.0" for the first element of
                the list `x`.
            value: an array or tensor, a number or a flag; a dictionary or list gives its elements.
                None removes what was given before.
        """
        if value is None:
            with self._used() as pointer:
                check(_native.sscam_explainer_set_input(pointer, encode(name), None))
            return
        for full_name, array in named_arrays({name: value}):
            argument = argument_of(array)
            with self._used() as pointer:
                check(
                    _native.sscam_explainer_set_input(
                        pointer, encode(full_name), ctypes.byref(argument)
                    )
                )

    def _explain_image(
        self, image: ImageLike, class_index: ClassIndex, progress: Optional[Progress]
    ) -> Map:
        wanted = class_argument(class_index, self._labels)
        explained = ctypes.POINTER(_native.Map)()
        with opened(image) as native, self._used() as pointer:
            call_with_progress(
                pointer,
                progress,
                lambda: _native.sscam_explain_image(
                    pointer, native, wanted, ctypes.byref(explained)
                ),
            )
        return labelled_map(explained, self._labels, image)

    def _explain_gpu(
        self, given: GpuInput, class_index: Any, progress: Optional[Progress]
    ) -> list[Map]:
        return self._explain_inputs(
            _native.sscam_explain_cuda, given.argument, given.shape[0], class_index, progress
        )

    def _explain_inputs(
        self,
        function: Any,
        array: Any,
        count: int,
        class_index: Any,
        progress: Optional[Progress],
    ) -> list[Map]:
        classes = class_arguments(class_index, count, self._labels)
        explained = (ctypes.POINTER(_native.Map) * count)()
        with self._used() as pointer:
            call_with_progress(
                pointer,
                progress,
                lambda: function(pointer, ctypes.byref(array), classes, explained),
            )
        return [labelled_map(pointer, self._labels) for pointer in explained]

    def prepare(self, input_shape: Sequence[int], images: int = 1) -> None:
        """Do what the first explanation of inputs of a shape would do besides the others: list
        layers, prepare forms of the network, and measure which one is fastest.

        Args:
            input_shape: (C, H, W) of an input, (C, W) for sound or (C, D, H, W) for video.
            images: how many of them one call will explain.
        """
        shape = (images, *input_shape)
        with self._used() as pointer:
            call_with_progress(
                pointer,
                None,
                lambda: _native.sscam_explainer_prepare(pointer, shape_argument(shape), len(shape)),
            )

    def classify(self, image: ImageLike, count: int = 5) -> list[ClassScore]:
        """The classes of an image that are highest, with logits and probabilities.

        Args:
            image: an image, as for Model.explain().
            count: how many; fewer where the network has fewer.
        """
        scores = (_native.ClassScore * max(count, 0))()
        class_count = ctypes.c_int64()
        with opened(array_like(image)) as native, self._used() as pointer:
            call_with_progress(
                pointer,
                None,
                lambda: _native.sscam_explainer_classify(
                    pointer, native, scores, count, ctypes.byref(class_count)
                ),
            )
        return [
            ClassScore(
                score.class_index,
                score.logit,
                score.probability,
                self._labels.name(score.class_index) if self._labels else None,
            )
            for score in scores[: class_count.value]
        ]

    def detect(self, image: Any) -> list[Detection]:
        """What a detector detects, the most confident detections first.

        Those with a confidence above the option `detection_threshold`, without those that overlap
        a more confident one of their class by more than `detection_overlap`; at most 300.

        Args:
            image: an image, as for Model.explain(), or a float array [C,H,W] or [1,C,H,W], used as
                it is.

        Raises:
            ArgumentError: the outputs may have several layouts; the option `detector` says which.
            UnsupportedError: the network is no detector.
        """
        image = array_like(image)
        if is_image(image) and not self._input_form().takes(image):
            with opened(image) as native:
                return self._detect(_native.sscam_explainer_detect, native)
        inputs = as_inputs(image, 2, self._input_form())
        return self._detect(_native.sscam_explainer_detect_array, ctypes.byref(inputs.argument))

    def _detect(self, function: Any, argument: Any) -> list[Detection]:
        count = ctypes.c_int64()
        found = (_native.Detection * _MOST_DETECTIONS)()
        with self._used() as pointer:
            call_with_progress(
                pointer,
                None,
                lambda: function(pointer, argument, found, len(found), ctypes.byref(count)),
            )
        return [detection_of(one, self._labels) for one in found[: count.value]]

    def preprocess(self, image: ImageLike) -> npt.NDArray[np.float32]:
        """Turn an image into the network's input by the options `resize`, `interpolation`,
        `crop`, `mean`, `std` and `channel_order`.

        Returns:
            float32 [1,C,H,W], what classify() and explain() take.
        """
        shape = shape_argument((0, 0, 0, 0))
        with opened(array_like(image)) as native, self._used() as pointer:
            check(_native.sscam_explainer_preprocess(pointer, native, shape, None, 0))
            prepared = np.empty(tuple(shape), np.float32)
            check(
                _native.sscam_explainer_preprocess(
                    pointer, native, shape, floats_argument(prepared), prepared.size
                )
            )
        return prepared

    def __repr__(self) -> str:
        state = ": closed" if self._handle.closed else f": {self._method}"
        return f"<sscam.Explainer{state}>"


document_options(Explainer)


def labelled_map(pointer: Any, labels: Optional[Labels], image: Optional[ImageLike] = None) -> Map:
    """A map of the library's with the name of its class."""
    found = Map(pointer, image)
    if labels is not None:
        found._label = labels.name(found.class_index)
    return found

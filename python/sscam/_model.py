"""A network, loaded and ready to be explained."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union, overload

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._arguments import (
    ClassIndex,
    floats_argument,
    shape_argument,
)
from ._engine import (
    Functions,
    GradientFunction,
    Layers,
    RunFunction,
    TailFunction,
    register,
    unregister,
)
from ._errors import ArgumentError, check
from ._explain_all import explain_all
from ._explainer import Explainer
from ._handle import Handle, decode, encode, taken_text
from ._image import ImageLike
from ._inputs import Inputs, InputValue, ModelInputs, as_inputs, form_of_model
from ._labels import Labels, LabelsLike, labels_of
from ._map import Map
from ._progress import Progress
from ._tables import OptionValue, check_keywords, document_options
from ._tensors import array_like, gpu_input, is_on_gpu
from ._torch_export import device_of, exported


class Layer(NamedTuple):
    """A layer that can be explained."""

    name: str  #: what the keyword `layer` takes
    kind: str  #: class of its module or name of its operation
    shape: tuple[int, ...]  #: of its output, usually (1, K, h, w)
    is_default: bool  #: whether explanations use it when none is named


class Output(NamedTuple):
    """A tensor among the outputs of a network."""

    name: str  #: its key or field; "" where it has none
    shape: tuple[int, ...]
    is_taken: bool  #: whether the class scores are its values when `output` names none


class Model:
    """A classifier that torch.export.save (.pt2) or torch.jit.save wrote.

    A TorchScript file is code: load only files whose origin you trust.

    A model is immutable and may be shared by threads. It is freed with its last reference, by
    close(), or at the end of a `with` block; explainers made from it stay usable.

    Args:
        source: file name, or the file's content as bytes, bytearray or memoryview.
        device: "cpu", "cuda", "cuda:N", or "auto" (CUDA when there is a GPU, else the CPU).
        labels: names of the classes: in their order, by index, or a text file of one name a line.
            Classes can then be given by name.

    Raises:
        FileError: the file cannot be read.
        FormatError: it is neither, or damaged; the message says what it is.
        ModelError: its program cannot be used.
        DeviceError: there is no such device.
    """

    def __init__(
        self,
        source: Union[str, os.PathLike[Any], bytes, bytearray, memoryview],
        device: str = "cpu",
        labels: Optional[LabelsLike] = None,
    ) -> None:
        named = labels_of(labels)
        pointer = ctypes.POINTER(_native.Model)()
        if isinstance(source, (bytes, bytearray, memoryview)):
            content = np.frombuffer(source, np.uint8) if len(source) else np.empty(0, np.uint8)
            check(
                _native.sscam_model_load_memory(
                    content.ctypes.data, content.size, encode(device), ctypes.byref(pointer)
                )
            )
        elif isinstance(source, (str, os.PathLike)):
            check(_native.sscam_model_load(encode(source), encode(device), ctypes.byref(pointer)))
        else:
            raise TypeError(
                f"expected a file name or a file's content, not {type(source).__name__}"
            )
        self._own(pointer, named)

    def _own(self, pointer: Any, labels: Optional[Labels]) -> None:
        self._labels = labels
        self._handle = Handle(pointer, _native.sscam_model_unref)
        self._lock = threading.Lock()
        self._class_count: Optional[int] = None

    @classmethod
    def from_function(
        cls,
        function: RunFunction,
        layers: Layers,
        *,
        default_layer: Optional[str] = None,
        gradients: Optional[GradientFunction] = None,
        tail: Optional[TailFunction] = None,
        name: str = "function",
        device: str = "host",
        input_shape: Sequence[int] = (),
        class_count: int = 0,
        largest_batch: int = 0,
        preferred_batch: int = 0,
        channels_last: bool = False,
        thread_safe: bool = False,
        labels: Optional[LabelsLike] = None,
    ) -> Model:
        """A model whose network runs in another engine, such as ONNX Runtime, behind a function.

        `function` alone serves Score-CAM, both SS-CAMs, IS-CAM, Eigen-CAM and every metric;
        `gradients` serves the other methods, and `tail` Ablation-CAM. Batches, masks and checks are
        the library's. Functions are called in the thread that explains; an exception ends the call
        with ModelError (MemoryError with OutOfMemoryError, after smaller batches were tried), which
        is raised from it. A function must not use the model that it serves.

        Args:
            function: function(inputs, layer) of float32 inputs [N,C,H,W], [N,C,W] or [N,C,D,H,W],
                which it may keep. It gives the logits, [N,classes] or for dense outputs
                [N,classes,h,w]; where `layer` is not None, a pair of these and of that layer's
                activations. N is 1 then.
            layers: names of the layers that can be explained, in the order of execution; or a
                mapping of names to the shapes of their activations, usually (1, K, h, w), or to
                None. A shape that is not given is found by running zeros, where it is needed.
            default_layer: the layer to explain when none is named; None for the last one that has
                positions or no given shape.
            gradients: gradients(inputs, layer, activations, weights): the derivative of the sum of
                weights times outputs (all outputs of one input, flattened) by the activations,
                which are those that `function` gave.
            tail: tail(inputs, layer, activations): the logits of what follows the layer for N
                altered activations of one input.
            name: what messages call the network.
            device: what the attribute `device` gives.
            input_shape: the shape that inputs have to have, with N; 0 for any size. N above 0 means
                exactly that many inputs at once. Empty for any.
            class_count: number of classes; 0: not known before it is run.
            largest_batch: most inputs at once; 0 for any number.
            preferred_batch: how many inputs at once are the fastest; 0: not known.
            channels_last: whether `function` takes inputs in the order [N,H,W,C].
            thread_safe: whether the functions may be called by several threads at once.
            labels: as for Model().

        Raises:
            ArgumentError: a number is negative or of no use.
            TypeError: `function` cannot be called.
        """
        for callable_ in (function, gradients, tail):
            if callable_ is not None and not callable(callable_):
                raise TypeError(f"expected a function, not {type(callable_).__name__}")
        named = labels_of(labels)
        functions = Functions(function, gradients, tail, layers, default_layer, channels_last)
        shape = tuple(input_shape)
        if len(shape) > len(_native.Engine().input_shape):
            raise ArgumentError(f"input_shape has {len(shape)} numbers, at most 5 are possible")
        engine = _native.Engine(
            struct_size=ctypes.sizeof(_native.Engine),
            name=encode(name),
            device=encode(device),
            flags=_constants.ENGINE_THREAD_SAFE * bool(thread_safe)
            | _constants.ENGINE_CHANNELS_LAST * bool(channels_last),
            input_rank=len(shape),
            input_shape=shape,
            class_count=class_count,
            largest_batch=largest_batch,
            preferred_batch=preferred_batch,
        )
        register(engine, functions)
        pointer = ctypes.POINTER(_native.Model)()
        try:
            check(
                _native.sscam_model_create_from_engine(ctypes.byref(engine), ctypes.byref(pointer))
            )
        except Exception:
            unregister(engine)
            raise
        model = cls.__new__(cls)
        model._own(pointer, named)
        return model

    @classmethod
    def from_torch(
        cls,
        module: Any,
        example: Any,
        device: Optional[str] = None,
        labels: Optional[LabelsLike] = None,
        form: str = "auto",
    ) -> Model:
        """A model of a torch.nn.Module, exported in memory as in evaluation mode; the module stays
        as it is.

        Args:
            module: the network.
            example: an input, [N,C,H,W] or [C,H,W] of torch or NumPy, or the shape (C, H, W).
                The program takes inputs of these sizes, and any number of them where the network
                allows it.
            device: as for Model(); None for the device of the module's parameters.
            labels: as for Model().
            form: "export" for torch.export, "trace" for torch.jit.trace, "script" for
                torch.jit.script; "auto" for torch.export where torch has it (2.5 and later) and it
                can follow the network, else torch.jit.trace.

        Raises:
            ArgumentError: there is no such form, or this torch has none.
            ModelError: the network cannot be exported; the text says why.
        """
        content = exported(module, example, form)
        return cls(content, device or device_of(module), labels)

    @property
    def labels(self) -> Optional[Labels]:
        """The names of the classes; assign a list, a dict by index, a text file's name, or None.
        Explainers take those that the model has when they are made."""
        return self._labels

    @labels.setter
    def labels(self, labels: Optional[LabelsLike]) -> None:
        self._labels = labels_of(labels)

    def close(self) -> None:
        """Free the model; calling it again does nothing. Running calls and explainers keep what
        they need."""
        with self._lock:
            self._handle.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[Any]:
        """A reference for the length of a block: another thread may close the model meanwhile."""
        with self._lock:
            if self._handle.closed:
                raise ValueError("this Model is closed")
            pointer = _native.sscam_model_ref(self._handle.pointer)
        try:
            yield pointer
        finally:
            _native.sscam_model_unref(pointer)

    @property
    def device(self) -> str:
        """Device that it runs on, such as "cpu" or "cuda:0"."""
        with self._borrowed() as pointer:
            return decode(_native.sscam_model_device(pointer))

    @property
    def input_shape(self) -> Optional[tuple[Optional[int], ...]]:
        """Shape of an input, such as (None, 3, None, None), as far as it is certain without running
        the network: None for numbers that may be any or are unknown; None where nothing is."""
        shape = shape_argument((0,) * _constants.INPUT_MAX_RANK)
        with self._borrowed() as pointer:
            rank = _native.sscam_model_input_shape(pointer, shape)
        return tuple(side or None for side in shape[:rank]) if rank else None

    @property
    def input_layout(self) -> str:
        """Order in which the network takes the axes of its input, as the option `input_layout`
        names it: "nchw", "nhwc"; "" where it is unknown."""
        with self._borrowed() as pointer:
            return decode(_native.sscam_model_input_layout(pointer))

    @property
    def input_type(self) -> str:
        """Type of the elements that the network takes, such as "float32" or "uint8"."""
        with self._borrowed() as pointer:
            return decode(_native.sscam_model_input_type(pointer))

    def with_inputs(
        self,
        inputs: Optional[Mapping[str, InputValue]] = None,
        *,
        layout: Optional[str] = None,
        type: Optional[str] = None,
        image_input: Optional[str] = None,
    ) -> Model:
        """A model of the same network whose inputs are given as told: its explanations, classify()
        and layers() use them. What is not told stays as this model has it.

        Args:
            inputs: inputs besides the one that is explained, as Explainer.set_input() takes them.
            layout, type, image_input: as the options `input_layout`, `input_type` and
                `image_input`.

        Raises:
            ArgumentError: no such layout, type or input: the text lists the inputs.
            UnsupportedError: the network runs behind a function, which has one input.
        """
        told = ModelInputs(inputs or {}, layout, type, image_input)
        pointer = ctypes.POINTER(_native.Model)()
        with self._borrowed() as borrowed:
            check(
                _native.sscam_model_with_inputs(
                    borrowed, ctypes.byref(told.argument), ctypes.byref(pointer)
                )
            )
        model = Model.__new__(Model)
        model._own(pointer, self._labels)
        return model

    @property
    def class_count(self) -> Optional[int]:
        """Number of classes; None where it is not certain without running the network."""
        with self._borrowed() as pointer:
            return _native.sscam_model_class_count(pointer) or None

    def randomised(self, layers: int, seed: int = 0) -> Model:
        """A copy whose last `layers` modules with parameters have random ones: maps that do not
        change with them explain nothing of them (Adebayo et al. 2018).

        Args:
            layers: number of modules, counted from the last of the file; more than there are: all.
            seed: seed of the numbers.

        Raises:
            UnsupportedError: the network runs in another engine, or is frozen.
        """
        pointer = ctypes.POINTER(_native.Model)()
        with self._borrowed() as own:
            check(_native.sscam_model_randomise(own, layers, seed, None, ctypes.byref(pointer)))
        model = type(self).__new__(type(self))
        model._own(pointer, self._labels)
        return model

    @property
    def calibration(self) -> str:
        """What was measured so far to score masked inputs fast, as text, for set_calibration()."""
        text = ctypes.c_char_p()
        with self._borrowed() as pointer:
            check(_native.sscam_model_calibration(pointer, ctypes.byref(text)))
        return taken_text(text)

    def set_calibration(self, calibration: Optional[str]) -> None:
        """Score masked inputs as a text says instead of measuring; maps are then bit for bit those
        of the run that it comes from. None: measure anew.

        Raises:
            FormatError: it is no calibration.
            UnsupportedError: it is one of another network, device or number of threads.
        """
        text = None if calibration is None else encode(calibration)
        with self._borrowed() as pointer:
            check(_native.sscam_model_set_calibration(pointer, text))

    def layers(self, input_shape: Sequence[int] = (3, 224, 224)) -> list[Layer]:
        """List the layers that can be explained, in the order in which the network runs them.

        Args:
            input_shape: (C, H, W) of an input, (C, W) for sound or (C, D, H, W) for video; the
                network is run once on zeros of that shape.
        """
        with self._listed(input_shape) as pointer:
            default = _native.sscam_layers_default(pointer)
            return [
                _read_layer(pointer, index, index == default)
                for index in range(_native.sscam_layers_count(pointer))
            ]

    def outputs(self, input_shape: Sequence[int] = (3, 224, 224)) -> list[Output]:
        """List the tensors among the network's outputs, as the option `output` counts them.

        Args:
            input_shape: as for layers().

        Returns:
            The outputs; an empty list where they are unknown, as of engines of the host.
        """
        with self._listed(input_shape) as pointer:
            taken = _native.sscam_layers_output_taken(pointer)
            return [
                _read_output(pointer, index, index == taken)
                for index in range(_native.sscam_layers_output_count(pointer))
            ]

    @contextlib.contextmanager
    def _listed(self, input_shape: Sequence[int]) -> Iterator[Any]:
        shape = tuple(input_shape)
        if len(shape) not in (2, 3, 4):
            raise ValueError(f"input_shape must be (C, H, W), (C, W) or (C, D, H, W), not {shape}")
        pointer = ctypes.POINTER(_native.Layers)()
        with self._borrowed() as model:
            check(
                _native.sscam_model_layers(
                    model, shape_argument((1, *shape)), 1 + len(shape), ctypes.byref(pointer)
                )
            )
        try:
            yield pointer
        finally:
            _native.sscam_layers_unref(pointer)

    def classify(
        self, inputs: npt.NDArray[np.floating[Any]], dimensions: Optional[int] = None
    ) -> npt.NDArray[np.float32]:
        """Run the network on ready-made inputs.

        Args:
            inputs: float32 [N,C,H,W] or [C,H,W], normalised as the network wants it (see
                Explainer.preprocess). Other floating-point types are rounded to float32.
            dimensions: as for explain().

        Returns:
            The raw outputs, float32 [N,classes]; [classes] for one input without N. Of dense
            outputs [N,classes,h,w] their means over all positions.
        """
        array = array_like(inputs)
        if is_on_gpu(array):
            on_gpu = gpu_input(array, dimensions)
            logits = self._logits(
                _native.sscam_model_classify_cuda, on_gpu.argument, on_gpu.shape[0]
            )
            return logits if on_gpu.has_batch else logits[0]
        given = self._as_inputs(array, dimensions)
        logits = self._logits(_native.sscam_model_classify, given.argument, given.rows)
        return logits if given.has_batch else logits[0]

    def _as_inputs(self, array: Any, dimensions: Optional[int]) -> Inputs:
        with self._borrowed() as pointer:
            return as_inputs(array, dimensions, form_of_model(pointer))

    def _logits(self, function: Any, inputs: Any, rows: int) -> npt.NDArray[np.float32]:
        with self._borrowed() as pointer:
            # Most networks have one class count, so the last call's is tried first.
            expected = self._class_count or _classify(function, pointer, inputs, 0, 0)[1]
            logits, count = _classify(function, pointer, inputs, rows, expected)
            if count > expected:
                logits, count = _classify(function, pointer, inputs, rows, count)
            self._class_count = count
        return logits

    @overload
    def explain(
        self,
        image: ImageLike,
        method: str = ...,
        class_index: ClassIndex = ...,
        layer: Optional[str] = ...,
        progress: Optional[Progress] = ...,
        dimensions: Optional[int] = ...,
        *,
        inputs: Optional[Mapping[str, InputValue]] = ...,
        **options: OptionValue,
    ) -> Map: ...

    @overload
    def explain(
        self,
        image: npt.NDArray[np.floating[Any]],
        method: str = ...,
        class_index: Union[ClassIndex, Sequence[ClassIndex]] = ...,
        layer: Optional[str] = ...,
        progress: Optional[Progress] = ...,
        dimensions: Optional[int] = ...,
        *,
        inputs: Optional[Mapping[str, InputValue]] = ...,
        **options: OptionValue,
    ) -> Any: ...

    def explain(
        self,
        image: Any,
        method: str = "grad-cam",
        class_index: Any = None,
        layer: Optional[str] = None,
        progress: Optional[Progress] = None,
        dimensions: Optional[int] = None,
        *,
        inputs: Optional[Mapping[str, InputValue]] = None,
        **options: OptionValue,
    ) -> Any:
        """Explain a class on an image, or on each of a batch of ready-made inputs.

        Args:
            image: an image (file name, encoded bytes, PIL image, uint8 or uint16 [height, width] or
                [height, width, 1, 3 or 4], a PixelArray, or floats in [0,1] [height, width, 3]),
                which is preprocessed; or float32 [C,H,W] or [N,C,H,W], used as it is; or likewise
                sound, [C,W] or [N,C,W], and video or volumes, [C,D,H,W] or [N,C,D,H,W], whose maps
                are [W] and [D,H,W]. Arrays may be tensors of torch; those on the model's GPU are
                read there.
            method: name from methods(); "score-cam" needs no gradients.
            class_index: index of the network's output, Ranked(2) for the second highest, the
                class's name where the model has labels; None for the highest. For inputs with N
                also a sequence of N of these.
            layer: target layer, a name from layers(); None for the default one.
            progress: progress(fraction) is called with the share done, 0 to 1, between batches
                of network evaluations, in this thread. A true result stops the call with
                Cancelled; an exception stops it and is raised from it. Or a bar of tqdm, which is
                moved to its total, or the class tqdm.
            dimensions: an array's spatial dimensions: 1 for sound, 2 for images, 3 for video. None
                means 2 for arrays of rank 3 and 4, which could be others, and 1 or 3 for ranks 2
                and 5, unless the network's order of axes is another (`input_layout`).
            inputs: inputs of the network besides the one that is explained, by name: arrays,
                numbers, flags, dictionaries and lists of these.
            **options: see below.

        Returns:
            A Map; for inputs with N a list of N.

        Raises:
            ArgumentError: an option's value is out of range, or the input's shape is no input's.
            LayerError: there is no such layer (the text lists near names), or it has no positions.
            ClassError: there is no such class.
            ModelError: the network failed, or gave NaN or infinity.
            UnsupportedError: the method cannot explain this network.
            Cancelled: `progress` returned a true value, or the option `deadline` has passed.
            OutOfMemoryError, DeviceError: the machine could not do it.
            FileError, FormatError: the image's file cannot be read.
            TypeError: an unknown keyword, or a value of the wrong type.
        """
        check_keywords("Model.explain()", options)
        with Explainer(self, method, layer, inputs=inputs, **options) as explainer:
            return explainer.explain(image, class_index, progress, dimensions)

    def explain_all(
        self,
        image: Any,
        methods: Sequence[str],
        classes: Optional[Sequence[ClassIndex]] = None,
        layer: Optional[str] = None,
        progress: Optional[Progress] = None,
        dimensions: Optional[int] = None,
        *,
        inputs: Optional[Mapping[str, InputValue]] = None,
        **options: OptionValue,
    ) -> Any:
        """Explain several classes by several methods in one call, which shares their work.

        Args:
            image, layer, progress, dimensions, inputs, **options: as for explain().
            methods: names from methods().
            classes: as class_index of explain(); None means the highest alone.

        Returns:
            maps[method][class]; for inputs with N a list of N of these.
        """
        if isinstance(methods, str):
            raise TypeError("methods must be a sequence of names, not a single one")
        check_keywords("Model.explain_all()", options)
        with contextlib.ExitStack() as kept:
            explainers = [
                kept.enter_context(Explainer(self, method, layer, inputs=inputs, **options))
                for method in methods
            ]
            return explain_all(explainers, image, classes, progress, dimensions)

    def __repr__(self) -> str:
        try:
            return f"<sscam.Model on {self.device}>"
        except ValueError:
            return "<sscam.Model: closed>"


document_options(Model.explain)
document_options(Model.explain_all)


def _classify(
    function: Any, model: Any, inputs: Any, rows: int, expected: int
) -> tuple[npt.NDArray[np.float32], int]:
    """The logits [N,classes] of a batch and the class count, which depends on the input's size in
    some networks. With more than `expected` classes the logits are not defined."""
    logits = np.empty(rows * expected, np.float32)
    count = ctypes.c_int64()
    status = function(
        model,
        ctypes.byref(inputs),
        floats_argument(logits) if logits.size else None,
        logits.size,
        ctypes.byref(count),
    )
    if count.value <= expected or not expected:
        check(status)
    used = rows * min(count.value, expected)
    return logits[:used].reshape(rows, -1) if used else logits, count.value


def _read_output(layers: Any, index: int, is_taken: bool) -> Output:
    rank = ctypes.c_int32()
    shape = _native.sscam_layers_output_shape(layers, index, ctypes.byref(rank))
    name = decode(_native.sscam_layers_output_name(layers, index))
    return Output(name, tuple(shape[: rank.value]), is_taken)


def _read_layer(layers: Any, index: int, is_default: bool) -> Layer:
    rank = ctypes.c_int32()
    shape = _native.sscam_layers_shape(layers, index, ctypes.byref(rank))
    return Layer(
        decode(_native.sscam_layers_name(layers, index)),
        decode(_native.sscam_layers_kind(layers, index)),
        tuple(shape[: rank.value]),
        is_default,
    )

"""Networks that are functions of Python: the callbacks of sscam_engine."""

from __future__ import annotations

import ctypes
import itertools
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._errors import note_cause
from ._handle import encode, first_of, view
from ._tensors import array_like

FloatArray = npt.NDArray[np.float32]
#: run(inputs, layer) gives logits or, where layer is not None, (logits, activations).
RunFunction = Callable[[FloatArray, Optional[str]], Any]
#: gradients(inputs, layer, activations, weights) gives an array of the activations' shape.
GradientFunction = Callable[[FloatArray, str, FloatArray, FloatArray], Any]
#: tail(inputs, layer, activations) gives logits.
TailFunction = Callable[[FloatArray, str, FloatArray], Any]
Layers = Union[Sequence[str], Mapping[str, Optional[Sequence[int]]]]


class _Input:
    """Inputs in the memory of the library, as NumPy's array interface. Memory that was taken over
    is freed with it."""

    def __init__(self, address: int, shape: tuple[int, ...]) -> None:
        self.is_own = False
        self._address = address
        read_only = False
        self.__array_interface__ = {
            "version": 3,
            "typestr": np.dtype(np.float32).str,
            "shape": shape,
            "data": (address, read_only),
        }

    def __del__(self) -> None:
        if self.is_own:
            _native.sscam_free(self._address)


class _LentInput:
    """The inputs of one call of `run`, which a function may change and keep.

    The library writes its memory anew for the next call. Where the function kept an array of it,
    or of a part of it, the memory becomes Python's; otherwise nothing is copied.
    """

    def __init__(self, request: Any, shape: tuple[int, ...], reply: Any) -> None:
        self._reply = reply
        self._memory = _Input(ctypes.addressof(request.input.contents), shape)
        self._arrays = [np.asarray(self._memory)]  # a list, so that there is no other reference

    def __enter__(self) -> list[FloatArray]:
        return self._arrays

    def __exit__(self, failure: object, *_rest: object) -> None:
        # 2: the list, and the argument of getrefcount(). The frames of a failure keep the array.
        if failure is not None or sys.getrefcount(self._arrays[0]) > 2:
            self._memory.is_own = True
            _native.sscam_engine_reply_take_input(self._reply)


class Functions:
    """What the callbacks of one engine call."""

    def __init__(
        self,
        run: RunFunction,
        gradients: Optional[GradientFunction],
        tail: Optional[TailFunction],
        layers: Layers,
        default_layer: Optional[str],
        channels_last: bool,
    ) -> None:
        if isinstance(layers, str):
            raise TypeError("layers must be names, or a mapping of names to shapes, not text")
        named = layers if isinstance(layers, Mapping) else dict.fromkeys(layers)
        self.layers = [
            (encode(name), None if shape is None else tuple(map(int, shape)))
            for name, shape in named.items()
        ]
        self._run, self._gradients, self._tail = run, gradients, tail
        self._default_layer = None if default_layer is None else encode(default_layer)
        self._channels_last = channels_last

    def describe(self, _request: Any, reply: Any) -> None:
        for name, shape in self.layers:
            numbers = None if shape is None else (ctypes.c_int64 * len(shape))(*shape)
            _native.sscam_engine_reply_add_layer(
                reply, name, b"", numbers, 0 if shape is None else len(shape)
            )
        if self._default_layer is not None:
            _native.sscam_engine_reply_set_default_layer(reply, self._default_layer)

    def run(self, request: Any, reply: Any) -> None:
        layer = _layer_of(request)
        if layer is None:
            with _LentInput(request, self._shape_of(request), reply) as arrays:
                _give(_native.sscam_engine_reply_set_outputs, reply, self._run(arrays[0], None))
            return
        given = self._run(self._inputs_of(request), layer)
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise TypeError(
                f"the function must give (logits, activations) for a layer, not {type(given)}"
            )
        _give(_native.sscam_engine_reply_set_outputs, reply, given[0])
        _give(_native.sscam_engine_reply_set_activations, reply, given[1])

    def gradients(self, request: Any, reply: Any) -> None:
        assert self._gradients is not None
        weights = view(
            self, request.output_weights, (request.output_weight_count,), np.float32
        ).copy()
        given = self._gradients(
            self._inputs_of(request), _named_layer(request), _activations_of(request), weights
        )
        _give(_native.sscam_engine_reply_set_gradients, reply, given)

    def tail(self, request: Any, reply: Any) -> None:
        assert self._tail is not None
        given = self._tail(
            self._inputs_of(request), _named_layer(request), _activations_of(request)
        )
        _give(_native.sscam_engine_reply_set_outputs, reply, given)

    def _inputs_of(self, request: Any) -> FloatArray:
        """A copy: the library reads these inputs again, and a function may change what it gets."""
        return view(self, request.input, self._shape_of(request), np.float32).copy()

    def _shape_of(self, request: Any) -> tuple[int, ...]:
        shape = tuple(request.shape[: request.rank])
        return (shape[0], *shape[2:], shape[1]) if self._channels_last else shape


def _layer_of(request: Any) -> Optional[str]:
    return None if request.layer is None else request.layer.decode("utf-8", "surrogateescape")


def _named_layer(request: Any) -> str:
    layer = _layer_of(request)
    assert layer is not None
    return layer


def _activations_of(request: Any) -> FloatArray:
    shape = tuple(request.activation_shape[: request.activation_rank])
    return view(request, request.activations, shape, np.float32).copy()


def _give(setter: Callable[..., int], reply: Any, given: Any) -> None:
    """Hand an array, or what is like one, to the library, which copies and checks it."""
    array = np.ascontiguousarray(array_like(given))
    if array.dtype.kind not in "fiu":
        raise TypeError(f"the function must give numbers, not an array of {array.dtype}")
    values = np.ascontiguousarray(array, np.float32)
    shape = (ctypes.c_int64 * values.ndim)(*values.shape)
    setter(reply, first_of(values, ctypes.c_float) if values.size else None, shape, values.ndim)


# --- callbacks ----------------------------------------------------------------------------------

# The library holds a number for each engine, from which these plain functions find it: they live as
# long as the process, as callbacks have to.
_engines: dict[int, Functions] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()


def _callback(method: Callable[[Functions, Any, Any], None]) -> Any:
    def call(user: int, request: Any, reply: Any) -> int:
        try:
            method(_engines[user], request.contents, reply)
        except BaseException as failure:  # raised by the call that the library fails with it
            note_cause(failure)
            text = f"{type(failure).__name__}: {failure}"
            _native.sscam_engine_reply_set_error(reply, text.encode("utf-8", "replace"))
            return _constants.E_MEMORY if isinstance(failure, MemoryError) else _constants.E_MODEL
        return _constants.OK

    return _native.engine_callback(call)


_describe, _run = _callback(Functions.describe), _callback(Functions.run)
_gradients, _tail = _callback(Functions.gradients), _callback(Functions.tail)
_release = _native.engine_release(lambda user: _forget(user))
_NOBODY = _native.engine_callback(0)  # NULL


def _forget(number: int) -> None:
    with _lock:
        _engines.pop(number, None)


def register(engine: Any, functions: Functions) -> None:
    """Fill in the callbacks of an sscam_engine, which release() ends."""
    with _lock:
        number = next(_numbers)
        _engines[number] = functions
    engine.user = number
    engine.describe, engine.run, engine.release = _describe, _run, _release
    engine.gradients = _NOBODY if functions._gradients is None else _gradients
    engine.tail = _NOBODY if functions._tail is None else _tail


def unregister(engine: Any) -> None:
    """Undo register() where the library made no model of the engine."""
    _forget(engine.user)

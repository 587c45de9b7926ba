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


class _Copies(threading.local):
    """Copies of inputs, which a function may keep: the library overwrites its own.

    Memory that is new to the process is slow to write, so that a copy which nobody kept is used
    again: an array that is derived from it would hold a reference.
    """

    _last: Optional[FloatArray] = None

    def of(self, values: FloatArray) -> FloatArray:
        last = self._last
        # 3: the attribute, the variable and the argument of getrefcount().
        if last is None or last.shape != values.shape or sys.getrefcount(last) > 3:
            last = self._last = np.empty(values.shape, np.float32)
        np.copyto(last, values)
        return last


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
        self._copies = _Copies()

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
        given = self._run(self._inputs_of(request), layer)
        if layer is None:
            _give(_native.sscam_engine_reply_set_outputs, reply, given)
            return
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
        shape = tuple(request.shape[: request.rank])
        if self._channels_last:
            shape = (shape[0], *shape[2:], shape[1])
        return self._copies.of(view(self, request.input, shape, np.float32))


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

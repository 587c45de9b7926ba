"""Loads and explains one damaged file, which must give a status and a message, or maps."""

import ctypes
import math
import os
from ctypes import byref

from sscam import _native as native

GARBAGE = 0x5C5C5C50
STATUSES = {
    "SSCAM_OK",
    "SSCAM_E_ARGUMENT",
    "SSCAM_E_MEMORY",
    "SSCAM_E_FORMAT",
    "SSCAM_E_MODEL",
    "SSCAM_E_LAYER",
    "SSCAM_E_CLASS",
    "SSCAM_E_UNSUPPORTED",
}
# libtorch itself leaks 1 to 5 kB, mostly 2, with every file that it opens, valid or refused; a leak
# of what the library reads would be as large as the file, every time.
REPETITIONS, LEAST_LEAK = 10, 4096


class Broken(AssertionError):
    """A promise is broken."""


class Usage(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def promise(condition, text):
    if not condition:
        raise Broken(text)


def bytes_in_use():
    usage = ctypes.CDLL(None).mallinfo2
    usage.restype = Usage
    figures = usage()
    return figures.uordblks + figures.hblkhd


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def checked(call, status, *outputs):
    """The name of a call's status; checks what every call promises."""
    name = native.sscam_status_name(status).decode()
    message = native.sscam_last_error()
    promise(name in STATUSES, f"{call} gives {name}: {message!r}")
    promise((name == "SSCAM_OK") == (not message), f"{call} gives {name} and says {message!r}")
    promise(
        not any(byte in message for byte in b"\r\n\0"), f"{call} says several lines: {message!r}"
    )
    for output in outputs:
        promise(
            bool(output) == (name == "SSCAM_OK"),
            f"{call} gives {name} and {bool(output)} as its result",
        )
    return name, message.decode("utf-8", "replace")


def garbage(handle_type):
    """An output that a call must set in any case."""
    return ctypes.cast(GARBAGE, ctypes.POINTER(handle_type))


class Trial:
    """Loads and explains one file; `say` is told of each step before it is made, and of each
    result."""

    def __init__(self, content, path, shape, say):
        self.content, self.path, self.say = content, os.fsencode(path), say
        self.shape = (ctypes.c_int64 * 4)(*shape)
        size = math.prod(shape)
        self.values = (ctypes.c_float * size)(*(i * 7919 % 1000 / 1000 for i in range(size)))
        self.input = native.Array(
            struct_size=ctypes.sizeof(native.Array),
            data=ctypes.addressof(self.values),
            shape=self.shape,
            rank=4,
        )

    def run(self):
        before = descriptors()
        model = self.load_both_ways()
        if model:
            self.use(model)
            native.sscam_model_unref(model)
        promise(descriptors() == before, f"{descriptors() - before} descriptors more than before")

    def load(self, call, *arguments):
        model = garbage(native.Model)
        result = checked(call, getattr(native, call)(*arguments, b"cpu", byref(model)), model)
        return model, result

    def load_both_ways(self):
        """The model or None; a file that is refused is refused in the same way and without a leak,
        every time."""
        self.say("step", "load")
        model, result = self.load("sscam_model_load", self.path)
        self.say("load", *result)
        self.say("step", "load from memory")
        other, again = self.load("sscam_model_load_memory", self.content, len(self.content))
        native.sscam_model_unref(other)
        promise(again[0] == result[0], f"as a file {result}, from memory {again}")
        if model:
            return model
        tolerated = max(LEAST_LEAK, len(self.content))
        lost = self.least_growth_of_load(tolerated)
        promise(lost < tolerated, f"{lost} bytes are lost each time: {result}")
        return None

    def least_growth_of_load(self, tolerated):
        """Of several loads, up to the first whose growth is tolerated."""
        least = self.growth_of_load()
        for _ in range(REPETITIONS - 1):
            if least < tolerated:
                break
            least = min(least, self.growth_of_load())
        return least

    def growth_of_load(self):
        used = bytes_in_use()
        self.load("sscam_model_load", self.path)
        return bytes_in_use() - used

    def use(self, model):
        self.say("step", "classify")
        count = ctypes.c_int64()
        result = checked(
            "sscam_model_classify",
            native.sscam_model_classify(model, byref(self.input), None, 0, byref(count)),
        )
        self.say("classify", *result)
        self.say("step", "layers")
        layers = garbage(native.Layers)
        self.say(
            "layers",
            *checked(
                "sscam_model_layers",
                native.sscam_model_layers(model, self.shape, 4, byref(layers)),
                layers,
            ),
        )
        self.look_at_layers(layers)
        native.sscam_layers_unref(layers)
        for method in (b"grad-cam", b"score-cam"):
            self.say("step", method.decode())
            self.say(method.decode(), *self.explain(model, method))

    @staticmethod
    def look_at_layers(layers):
        rank = ctypes.c_int32()
        for i in range(native.sscam_layers_count(layers)):
            names = native.sscam_layers_name(layers, i), native.sscam_layers_kind(layers, i)
            promise(all(names), f"layer {i} is called {names}")
            shape = native.sscam_layers_shape(layers, i, byref(rank))
            promise(all(shape[d] >= 0 for d in range(rank.value)), f"layer {i} has a negative side")

    def explain(self, model, method):
        explainer, heat = garbage(native.Explainer), garbage(native.Map)
        checked(
            "sscam_explainer_create",
            native.sscam_explainer_create(model, method, byref(explainer)),
            explainer,
        )
        for name, value in ((b"max_channels", b"3"), (b"calibrate", b"off"), (b"batch_size", b"2")):
            checked("sscam_explainer_set", native.sscam_explainer_set(explainer, name, value))
        result = checked(
            method.decode(),
            native.sscam_explain_array(explainer, byref(self.input), None, byref(heat)),
            heat,
        )
        if heat:
            size = native.sscam_map_width(heat) * native.sscam_map_height(heat)
            values = native.sscam_map_data(heat)[:size]
            promise(size == self.shape[2] * self.shape[3], f"{method}: a map of {size} pixels")
            promise(all(0 <= value <= 1 for value in values), f"{method}: values outside of [0,1]")
        native.sscam_map_unref(heat)
        native.sscam_explainer_unref(explainer)
        return result

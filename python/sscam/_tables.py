"""The library's tables of methods, metrics and options, and the option values in Python."""

from __future__ import annotations

import difflib
import functools
import numbers
import operator
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._handle import decode

OptionValue = Union[str, bool, int, float, Sequence[float], "npt.NDArray[Any]", None]

_SWITCH = {"on", "off"}
_SIZES = {"resize", "crop"}
_NUMBER_LISTS = {"mean", "std", "padding"}
_BOXES = {"region", "box"}
_TYPE_NAMES = {
    _constants.OPTION_TYPE_STRING: "string",
    _constants.OPTION_TYPE_INT: "int",
    _constants.OPTION_TYPE_REAL: "real",
    _constants.OPTION_TYPE_CHOICE: "choice",
}


class Method(NamedTuple):
    """One row of the method table."""

    name: str  #: what explain() takes, such as "grad-cam++"
    title: str  #: its name in print, such as "Grad-CAM++"
    summary: str  #: its formula and what it measures
    citation: str  #: the paper it comes from
    needs_gradients: bool  #: derivatives of the class score at the target layer
    needs_scoring: bool  #: many forward passes on masked inputs
    needs_pooled_linear: bool  #: a network that ends in global pooling and one linear layer
    needs_ablation: bool  #: many forward passes without single channels of the target layer
    needs_positions: bool  #: many forward passes with single positions of the target layer
    needs_curvature: bool  #: second derivatives of the class score at the target layer
    needs_layer: bool  #: a target layer; RISE, FullGrad and LeGrad have none
    needs_backpropagation: bool  #: gradients back to the input, through all of the network
    needs_attention: bool  #: a vision transformer's self-attention


class Metric(NamedTuple):
    """One row of the metric table."""

    name: str  #: what Evaluation takes, such as "average_drop"
    title: str  #: its name in print, such as "Average Drop"
    unit: str  #: "%" for values from 0 to 100; "" for plain numbers
    direction: int  #: 1 where higher values are better, -1 where lower ones are
    summary: str  #: its formula and when it is undefined
    citation: str  #: the paper it comes from
    reproducible: bool  #: whether equal calls give equal values; seconds and memory do not


class Option(NamedTuple):
    """One row of the option table."""

    name: str  #: the keyword
    type: str  #: "string", "int", "real" or "choice"
    default: OptionValue  #: as Explainer.options gives it
    choices: tuple[str, ...]  #: of a choice, the default first; else empty
    minimum: float  #: of a number; else 0
    maximum: float  #: of a number; else 0
    help: str  #: what it does

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off, True or False in Python."""
        return set(self.choices) == _SWITCH


@functools.cache
def methods() -> tuple[Method, ...]:
    """The methods that the library knows, in the order of their publication.

    >>> [method.name for method in methods()][:2]
    ['cam', 'grad-cam']
    """
    return tuple(map(_read_method, range(_native.sscam_method_count())))


@functools.cache
def metrics() -> tuple[Metric, ...]:
    """The metrics that an evaluation computes.

    >>> metrics()[0].name
    'average_drop'
    """
    return tuple(map(_read_metric, range(_native.sscam_metric_count())))


@functools.cache
def options() -> tuple[Option, ...]:
    """The options that an explainer has; each is a keyword of explain() and Explainer.

    >>> {option.name: option.default for option in options()}["samples"]
    10
    """
    return tuple(map(_read_option, range(_native.sscam_option_count())))


def _read_method(index: int) -> Method:
    row = _native.sscam_method_info(index)
    needs = _native.sscam_method_needs(row)
    return Method(
        name=decode(_native.sscam_method_name(row)),
        title=decode(_native.sscam_method_title(row)),
        summary=decode(_native.sscam_method_summary(row)),
        citation=decode(_native.sscam_method_citation(row)),
        needs_gradients=bool(needs & _constants.NEEDS_GRADIENTS),
        needs_scoring=bool(needs & _constants.NEEDS_SCORING),
        needs_pooled_linear=bool(needs & _constants.NEEDS_POOLED_LINEAR),
        needs_ablation=bool(needs & _constants.NEEDS_ABLATION),
        needs_positions=bool(needs & _constants.NEEDS_POSITIONS),
        needs_curvature=bool(needs & _constants.NEEDS_CURVATURE),
        needs_layer=not needs & _constants.NEEDS_NO_LAYER,
        needs_backpropagation=bool(needs & _constants.NEEDS_BACKPROPAGATION),
        needs_attention=bool(needs & _constants.NEEDS_ATTENTION),
    )


def _read_metric(index: int) -> Metric:
    row = _native.sscam_metric_info(index)
    return Metric(
        name=decode(_native.sscam_metric_name(row)),
        title=decode(_native.sscam_metric_title(row)),
        unit=decode(_native.sscam_metric_unit(row)),
        direction=_native.sscam_metric_direction(row),
        summary=decode(_native.sscam_metric_summary(row)),
        citation=decode(_native.sscam_metric_citation(row)),
        reproducible=bool(_native.sscam_metric_is_reproducible(row)),
    )


def _read_option(index: int) -> Option:
    row = _native.sscam_option_info(index)
    option = Option(
        name=decode(_native.sscam_option_name(row)),
        type=_TYPE_NAMES.get(_native.sscam_option_type(row), "string"),
        default=None,
        choices=tuple(
            decode(_native.sscam_option_choice(row, position))
            for position in range(_native.sscam_option_choice_count(row))
        ),
        minimum=_native.sscam_option_minimum(row),
        maximum=_native.sscam_option_maximum(row),
        help=decode(_native.sscam_option_help(row)),
    )
    return option._replace(
        default=from_text(option, decode(_native.sscam_option_default(row, None)))
    )


def option_named(name: str) -> Option:
    """Raises KeyError, with near names, when there is no such option."""
    for option in options():
        if option.name == name:
            return option
    raise KeyError(f"there is no option {name!r}; {_near(name)}")


def check_keywords(function: str, names: Iterable[str]) -> None:
    """Raise TypeError, with near names, for a keyword that is no option."""
    known = {option.name for option in options()}
    for name in names:
        if name not in known:
            raise TypeError(
                f"{function} got an unexpected keyword argument {name!r}; {_near(name)}"
            )


def _near(name: str) -> str:
    known = [option.name for option in options()]
    near = difflib.get_close_matches(name, known)
    if near:
        return "did you mean " + " or ".join(map(repr, near)) + "?"
    return "the options are " + ", ".join(known)


# --- values -------------------------------------------------------------------------------------


def from_text(option: Option, text: str) -> OptionValue:
    """The value that Python shows for the library's text."""
    if option.type == "int":
        return int(text)
    if option.type == "real":
        return float(text)
    if option.is_switch:
        return text == "on"
    if option.name in _SIZES:
        return _size_from_text(text)
    if option.name in _NUMBER_LISTS:
        return tuple(map(float, text.split(",")))
    if option.name in _BOXES and "," in text:
        return tuple(map(float, text.split(",")))
    if option.name in ("layer", "grid", "box") and not text:
        return None
    return _size_from_text(text) if option.name == "grid" else text


def _size_from_text(text: str) -> OptionValue:
    if text == "off":
        return None
    if text == "fit":
        return text
    sides = tuple(map(int, text.split("x")))
    return sides[0] if len(sides) == 1 else sides


def to_text(option: Option, value: Any) -> str:
    """The library's text for a value from Python; text passes as it is, for the library to judge.

    Raises:
        TypeError: the value is of a type that the option does not take.
    """
    if isinstance(value, str):
        return value
    if option.is_switch:
        return _switch_text(option, value)
    if option.name in _SIZES:
        return _size_text(option, value)
    if option.name in _NUMBER_LISTS:
        return _numbers_text(option, value)
    if option.name in ("layer", "grid", "box") and value is None:
        return ""
    if option.name in _BOXES:
        return _box_text(option, value)
    if option.type == "int":
        return str(_whole(option, value, "a whole number"))
    if option.type == "real":
        return _real_text(option, value, "a number")
    if option.name == "grid" and isinstance(value, Iterable):
        return _size_text(option, value)
    _refuse(option, value, "one of " + ", ".join(option.choices) if option.choices else "a str")


def _switch_text(option: Option, value: Any) -> str:
    if not isinstance(value, (bool, np.bool_)):
        _refuse(option, value, "True, False, 'on' or 'off'")
    return "on" if value else "off"


def _size_text(option: Option, value: Any) -> str:
    if value is None:
        return "off"
    wanted = "a whole number of pixels, a pair (height, width) or None"
    if isinstance(value, Iterable):
        sides = [_whole(option, side, wanted) for side in value]
        if len(sides) != 2:
            _refuse(option, value, wanted)
        return f"{sides[0]}x{sides[1]}"
    return str(_whole(option, value, wanted))


def _numbers_text(option: Option, value: Any) -> str:
    wanted = "a number or a sequence of numbers"
    entries = value if isinstance(value, Iterable) else [value]
    return ",".join(_real_text(option, entry, wanted) for entry in entries)


def _box_text(option: Option, value: Any) -> str:
    if not isinstance(value, Iterable):
        mask = " or a mask [height, width]" if option.name == "region" else ""
        _refuse(option, value, f"a str, a box (left, top, right, bottom){mask}")
    return _numbers_text(option, value)


def _whole(option: Option, value: Any, wanted: str) -> int:
    # True is an int to Python, but samples=True is a mistake.
    if isinstance(value, (bool, np.bool_)):
        _refuse(option, value, wanted)
    try:
        return operator.index(value)
    except TypeError:
        _refuse(option, value, wanted)


def _real_text(option: Option, value: Any, wanted: str) -> str:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        _refuse(option, value, wanted)
    return repr(float(value))


def _refuse(option: Option, value: Any, wanted: str) -> NoReturn:
    raise TypeError(f"option {option.name}: expected {wanted}, not {type(value).__name__}")


# --- documentation ------------------------------------------------------------------------------


def document_options(documented: Any) -> None:
    """Complete a docstring with a line for each option but `layer`, which callers name apart."""
    if documented.__doc__ is None:
        return  # python -OO
    indentation = " " * 4 if isinstance(documented, type) else " " * 8
    entries = "\n".join(
        textwrap.fill(
            _entry(option),
            100,
            initial_indent=indentation + "    ",
            subsequent_indent=indentation + "        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for option in options()
        if option.name != "layer"
    )
    documented.__doc__ = f"{documented.__doc__.rstrip()}\n\n{indentation}Options:\n{entries}\n"


def _entry(option: Option) -> str:
    allowed = " | ".join(option.choices)
    if option.type in ("int", "real"):
        allowed = f"{option.minimum:g} to {option.maximum:g}, default {option.default}"
    elif not option.choices:
        allowed = f"default {option.default!r}"
    return f"{option.name}: {option.help} ({allowed})"

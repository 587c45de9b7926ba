"""Names of a network's classes."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from ._errors import ArgumentError, ClassError

#: Names in the order of the classes, names by index, or a text file of one name a line.
LabelsLike = Union[Iterable[str], Mapping[int, str], str, "os.PathLike[Any]"]


class Labels:
    """The names that a network's classes have."""

    def __init__(self, given: LabelsLike) -> None:
        if isinstance(given, (str, os.PathLike)):
            given = _read_lines(given)
        named = given if isinstance(given, Mapping) else dict(enumerate(given))
        for index, name in named.items():
            if not isinstance(index, int) or not isinstance(name, str):
                raise TypeError(f"labels: expected names of classes, not {index!r}: {name!r}")
        self._names = dict(named)

    def name(self, index: int) -> Optional[str]:
        """The name of a class, None where it has none."""
        return self._names.get(index) or None

    def index(self, name: str) -> int:
        """The class of a name: exactly, else without regard to case, '_' being a blank, else one
        of the synonyms that a name lists between commas.

        Raises:
            ClassError: no class has it (the text lists near names), or several have.
        """
        for is_same in (_is_exact, _is_similar, _is_synonym):
            found = [index for index, own in self._names.items() if is_same(own, name)]
            if len(found) == 1:
                return found[0]
            if found:
                raise ClassError(f"{name!r} is the name of the classes {found}; give an index")
        near = difflib.get_close_matches(
            _simplified(name), {_simplified(own): own for own in self._names.values()}
        )
        hint = "; near ones are " + ", ".join(map(repr, near)) if near else ""
        raise ClassError(f"no class has the name {name!r}{hint}")

    def __len__(self) -> int:
        return len(self._names)


def _simplified(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _is_exact(own: str, name: str) -> bool:
    return own == name


def _is_similar(own: str, name: str) -> bool:
    return _simplified(own) == _simplified(name)


def _is_synonym(own: str, name: str) -> bool:
    return _simplified(name) in map(_simplified, own.split(","))


_TABLE = re.compile(r"\s*(\d+\s*[,;:\t]|[\[{])")
_WORDNET = re.compile(r"n\d{8}\s+")


def _read_lines(path: Union[str, os.PathLike[Any]]) -> list[str]:
    """One name a line, perhaps after an identifier of WordNet."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if lines and _TABLE.match(lines[0]):
        raise ArgumentError(
            f"labels: {os.fspath(path)!r} is a table, not one name a line; read it and pass "
            "the names as a list, or by index as a dict"
        )
    names = [_WORDNET.sub("", line.strip(), count=1) for line in lines]
    while names and not names[-1]:
        names.pop()
    return names


def labels_of(given: Optional[LabelsLike]) -> Optional[Labels]:
    """Labels from what a caller gives."""
    return given if given is None or isinstance(given, Labels) else Labels(given)


def class_named(name: str, labels: Optional[Labels]) -> int:
    """The index of a class that is given by its name.

    Raises:
        ArgumentError: the model has no labels.
    """
    if labels is None:
        raise ArgumentError(
            f"class_index is {name!r}, but the model has no labels; set its attribute `labels`"
        )
    return labels.index(name)

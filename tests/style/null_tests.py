"""Finds tests of pointers against NULL in C and C++ that the truth value of the pointer replaces.

`p == NULL` is written `!p` everywhere, and `p != NULL` is written `p` in conditions: beside && and
||, before ?, and alone in the parentheses of if, while and assertions. Where the result is a value,
as in `bool is_set = p != NULL;`, the comparison stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\#[^\n]*?(?:\\\n[^\n]*?)*(?=\n))
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')
    |(?P<word>[A-Za-z_0-9.]*[A-Za-z_0-9])
    |(?P<operator><<=|>>=|->|\+\+|--|&&|\|\||[=!<>+\-*/%&|^]=|<<|>>|::|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING = set("([{"), set(")]}")
# What ends the operand of == on the left: every operator that binds less.
_BOUNDARIES = {"&&", "||", "?", ":", ",", ";", "return", "case", "&", "|", "^"} | {
    operator + "=" for operator in ("", "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>")
}
_BINARY = {"+", "-", "*", "/", "%", "<", ">", "<=", ">=", "<<", ">>", "==", "!="}
_CONDITIONS = {"if", "while", "for", "assert", "ck_assert", "ck_assert_msg"}


class _Token(NamedTuple):
    text: str
    start: int
    end: int


class Finding(NamedTuple):
    """A test, and the text that replaces it."""

    line: int
    start: int
    end: int
    replacement: str


def find(text: str) -> Iterator[Finding]:
    """The tests of a source text, from its beginning to its end."""
    tokens = [
        _Token(match[0], match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "skip"
    ]
    for index in range(1, len(tokens) - 1):
        operator = tokens[index].text
        if operator not in ("==", "!=") or tokens[index + 1].text not in ("NULL", "nullptr"):
            continue
        first = _operand_start(tokens, index)
        if operator == "!=" and not _is_condition(tokens, first, index + 2):
            continue
        operand = text[tokens[first].start : tokens[index - 1].end]
        if operator == "==":
            is_unary = not any(token.text in _BINARY for token in _flat(tokens, first, index))
            operand = f"!{operand}" if is_unary else f"!({operand})"
        start, end = tokens[first].start, tokens[index + 1].end
        yield Finding(text.count("\n", 0, start) + 1, start, end, operand)


def fixed(text: str) -> str:
    """The text with every finding replaced."""
    while findings := list(find(text)):
        finding = findings[-1]
        text = text[: finding.start] + finding.replacement + text[finding.end :]
    return text


def _operand_start(tokens: list[_Token], end: int) -> int:
    """Index of the first token of the operand that ends before `end`."""
    depth, index = 0, end - 1
    while index >= 0:
        token = tokens[index].text
        if token in _CLOSING:
            depth += 1
        elif token in _OPENING:
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and token in _BOUNDARIES and not _is_prefix(tokens, index):
            break
        index -= 1
    return index + 1


def _is_prefix(tokens: list[_Token], index: int) -> bool:
    """Whether an & takes an address instead of joining two operands."""
    before = tokens[index - 1].text
    return tokens[index].text == "&" and not (before[-1].isalnum() or before in _CLOSING)


def _flat(tokens: list[_Token], first: int, end: int) -> Iterator[_Token]:
    """The tokens outside all brackets that stand between two operands."""
    depth = 0
    for index in range(first, end):
        token = tokens[index]
        depth -= token.text in _CLOSING
        before = tokens[index - 1].text
        is_between = index > first and (before[-1].isalnum() or before in _CLOSING)
        if depth == 0 and is_between:
            yield token
        depth += token.text in _OPENING


def _is_condition(tokens: list[_Token], first: int, after: int) -> bool:
    """Whether only the truth of the comparison at tokens[first:after] matters."""
    before, behind = tokens[first - 1].text, tokens[after].text
    if {before, behind} & {"&&", "||"} or behind == "?":
        return True
    opener = tokens[first - 2].text if before == "(" else ""
    return opener in _CONDITIONS and behind in (")", ",")

"""Reads the soname of a shared library's file and the libraries that it needs."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple, Optional

_PT_LOAD = 1
_PT_DYNAMIC = 2
_DT_NULL = 0
_DT_NEEDED = 1
_DT_STRTAB = 5
_DT_SONAME = 14
_DT_RPATH = 15
_DT_RUNPATH = 29
_STRING_CHUNK = 4096


class Dynamic(NamedTuple):
    """What the dynamic section says."""

    soname: Optional[str]
    needed: tuple[str, ...]
    rpath: tuple[str, ...]  # searched before LD_LIBRARY_PATH
    runpath: tuple[str, ...]  # searched after it


NO_DYNAMIC = Dynamic(None, (), (), ())


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def read_dynamic(path: str) -> Dynamic:
    """Read the dynamic section of a 64-bit ELF file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file.
    """
    with open(path, "rb") as file:
        try:
            return _read_dynamic(file)
        except struct.error as failure:
            raise ValueError(f"{path}: truncated ELF file") from failure


def _read_dynamic(file: BinaryIO) -> Dynamic:
    magic = file.read(6)
    if magic[:5] != b"\x7fELF\x02":
        raise ValueError("not a 64-bit ELF file")
    order = "<" if magic[5] == 1 else ">"
    segments = _segments(file, order)
    entries = [
        entry
        for segment in segments
        if segment.kind == _PT_DYNAMIC
        for entry in _entries(file, order, segment)
    ]
    strings = [_file_offset(segments, value) for tag, value in entries if tag == _DT_STRTAB]
    if not strings:
        raise ValueError("no dynamic section")

    def texts(wanted: int) -> tuple[str, ...]:
        return tuple(_text(file, strings[0] + value) for tag, value in entries if tag == wanted)

    def folders(wanted: int) -> tuple[str, ...]:
        return tuple(folder for text in texts(wanted) for folder in text.split(":") if folder)

    sonames = texts(_DT_SONAME)
    return Dynamic(
        sonames[0] if sonames else None, texts(_DT_NEEDED), folders(_DT_RPATH), folders(_DT_RUNPATH)
    )


def _unpack(file: BinaryIO, offset: int, layout: str) -> tuple[int, ...]:
    file.seek(offset)
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _segments(file: BinaryIO, order: str) -> list[_Segment]:
    (table,) = _unpack(file, 32, order + "Q")
    stride, count = _unpack(file, 54, order + "HH")
    segments = []
    for index in range(count):
        kind, _, offset, address, _, size = _unpack(file, table + index * stride, order + "IIQQQQ")
        segments.append(_Segment(kind, offset, address, size))
    return segments


def _entries(file: BinaryIO, order: str, segment: _Segment) -> list[tuple[int, int]]:
    """(tag, value) pairs of the dynamic section."""
    entries = []
    for position in range(segment.offset, segment.offset + segment.size, 16):
        tag, value = _unpack(file, position, order + "qQ")
        if tag == _DT_NULL:
            break
        entries.append((tag, value))
    return entries


def _file_offset(segments: list[_Segment], address: int) -> int:
    for segment in segments:
        inside = address - segment.address
        if segment.kind == _PT_LOAD and 0 <= inside < segment.size:
            return segment.offset + inside
    raise ValueError(f"address {address:#x} is in no segment")


def _text(file: BinaryIO, offset: int) -> str:
    file.seek(offset)
    text = b""
    while b"\0" not in text:
        more = file.read(_STRING_CHUNK)
        if not more:
            raise ValueError("a string runs past the end of the file")
        text += more
    return text.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")

"""One exception class for each status that the library can return."""

from __future__ import annotations

import threading
from typing import Optional

from . import _constants, _native


class SscamError(Exception):
    """A call of libsscam failed; the text names the thing and its value.

    Attributes:
        status: the library's status, such as -6.
    """

    status: int = 0

    @property
    def status_name(self) -> str:
        """The status by name, such as "SSCAM_E_LAYER"."""
        return str(_native.sscam_status_name(self.status).decode())


class ArgumentError(SscamError, ValueError):
    """An argument or an option's value is unusable."""

    status = _constants.E_ARGUMENT


class OutOfMemoryError(SscamError, MemoryError):
    """Host or device memory ran out."""

    status = _constants.E_MEMORY


class FileError(SscamError, OSError):
    """A file could not be read or written."""

    status = _constants.E_IO


class FormatError(SscamError):
    """A file's content is damaged or of an unknown kind."""

    status = _constants.E_FORMAT


class ModelError(SscamError):
    """The network cannot be used, or failed while running."""

    status = _constants.E_MODEL


class LayerError(SscamError, LookupError):
    """There is no such layer, or it has no spatial output."""

    status = _constants.E_LAYER


class ClassError(SscamError, IndexError):
    """The class index is outside the network's outputs."""

    status = _constants.E_CLASS


class DeviceError(SscamError):
    """The device is unknown, absent or failed."""

    status = _constants.E_DEVICE


class UnsupportedError(SscamError, NotImplementedError):
    """The request is valid, but this network or build cannot do it."""

    status = _constants.E_UNSUPPORTED


class Cancelled(SscamError):
    """The progress callback returned a true value, cancel() was called, or the deadline passed."""

    status = _constants.E_CANCELLED


_BY_STATUS = {
    error.status: error
    for error in (
        ArgumentError,
        OutOfMemoryError,
        FileError,
        FormatError,
        ModelError,
        LayerError,
        ClassError,
        DeviceError,
        UnsupportedError,
        Cancelled,
    )
}


class _Causes(threading.local):
    """What a callback of an engine raised in this thread's call of the library."""

    cause: Optional[BaseException] = None


_causes = _Causes()


def note_cause(failure: BaseException) -> None:
    """Keep an exception that the library knows only the text of, for check()."""
    _causes.cause = failure


def check(status: int) -> None:
    """Raise what a status stands for, with this thread's message; nothing for a success.

    A failure comes from the exception that a callback of an engine raised, if one did; what is no
    failure of the callback, such as KeyboardInterrupt, is raised itself.
    """
    cause, _causes.cause = _causes.cause, None
    if status == _constants.OK:
        return
    if cause is not None and not isinstance(cause, Exception):
        raise cause
    raise _failure(status) from cause


def _failure(status: int) -> SscamError:
    message = _native.sscam_last_error().decode("utf-8", "replace")
    failure = _BY_STATUS.get(status, SscamError)(message)
    failure.status = status
    return failure

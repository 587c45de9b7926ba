"""What holds for the whole process: the log, the limit of threads, libraries of operators."""

from __future__ import annotations

import _thread
import logging
import os
from typing import Any, Callable, Optional, Union

from . import _constants, _native
from ._errors import check
from ._handle import encode

LogCallback = Callable[[int, str], object]

_LEVELS = {
    _constants.LOG_ERROR: logging.ERROR,
    _constants.LOG_WARNING: logging.WARNING,
    _constants.LOG_INFO: logging.INFO,
    _constants.LOG_DEBUG: logging.DEBUG,
}

_logger = logging.getLogger("sscam")
_logger.addHandler(logging.NullHandler())

_receiver: Optional[LogCallback] = None


def _receive(_: Any, level: int, text: bytes) -> None:
    """Runs inside of native calls, through which no exception can pass."""
    try:
        receiver = _receiver
        if receiver is not None:
            receiver(_LEVELS.get(level, logging.INFO), text.decode("utf-8", "replace"))
    except KeyboardInterrupt:
        _thread.interrupt_main()  # once more, where it can be raised
    except Exception:
        _logger.exception("the log callback failed")


_native_receiver = _native.log_callback(_receive)
_NOBODY = _native.log_callback(0)  # NULL


def log_to_logging(level: int, text: str) -> None:
    """Hands a message to the logger "sscam" of the module logging."""
    _logger.log(level, "%s", text)


def set_log_callback(callback: Optional[LogCallback] = log_to_logging) -> None:
    """Set who receives the library's messages: what libtorch warns of, what calibration chose, and
    why forms of a network were dropped. Without one, which is the default, there are none.

    Args:
        callback: callback(level, text), with a level of the module logging, is called by the
            thread that called the library. Without an argument, the logger "sscam" receives the
            messages; None: nobody.

    >>> set_log_callback()
    >>> set_log_callback(None)
    """
    global _receiver
    _receiver = callback
    native = _NOBODY if callback is None else _native_receiver
    check(_native.sscam_set_log_callback(native, None))


def set_max_threads(count: int) -> None:
    """Limit the threads that a call of the library uses at once, for the whole process; 0: as the
    environment and the settings of libtorch say, which the library leaves as they are.

    >>> set_max_threads(2)
    >>> max_threads()
    2
    >>> set_max_threads(0)
    """
    check(_native.sscam_set_max_threads(count))


def max_threads() -> int:
    """The limit that set_max_threads() has set; 0: none."""
    return int(_native.sscam_max_threads())


def load_library(path: Union[str, os.PathLike[Any]]) -> None:
    """Load a shared library that registers operators which networks need, such as
    libtorchvision.so. It is a program: load only files whose origin you trust.

    Raises:
        FileError: it cannot be loaded.
        UnsupportedError: it is made for another libtorch than the one in this process.
    """
    check(_native.sscam_load_library(encode(path)))

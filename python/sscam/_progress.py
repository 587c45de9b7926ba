"""Progress reports and exceptions on their way through the library."""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import Any, Callable, Optional

from . import _native
from ._errors import check

Progress = Callable[[float], object]

# The library hands `user`, a listener made by _listen(), and the fraction to this method of all
# generators. A plain function would not do: Python delivers a pending KeyboardInterrupt on the
# way into a function, before its `try`, where ctypes can only print and lose it. A generator
# goes on from inside its `try`.
_send_to_listener = _native.progress_callback(types.GeneratorType.send)
_NOBODY = _native.progress_callback()


def _listen(progress: Optional[Progress],
            failures: list[BaseException]) -> Generator[int, float, None]:
    """Passes fractions on to `progress` and yields whether to stop; collects what it raises."""
    stop = 0
    while True:
        try:
            fraction = yield stop
            if progress is not None and progress(fraction):
                stop = 1
        except GeneratorExit:
            return
        except BaseException as failure:    # KeyboardInterrupt too: raised again after the call
            failures.append(failure)
            stop = 1


def call_with_progress(explainer: Any, progress: Optional[Progress],
                        call: Callable[[], int]) -> None:
    """Run a native call that reports to `progress`, and raise what went wrong in either.

    There is a listener even without `progress`, so that Ctrl-C ends the call.
    """
    failures: list[BaseException] = []
    listener = _listen(progress, failures)
    next(listener)
    check(_native.sscam_explainer_set_progress(explainer, _send_to_listener, listener))
    try:
        status = call()
        if failures:
            raise failures.pop()    # from the list: a traceback keeps this frame, and it the list
        check(status)
    finally:
        _native.sscam_explainer_set_progress(explainer, _NOBODY, None)
        listener.close()

"""Progress callbacks, their exceptions, and the end of the interpreter."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import threading
import types
from collections.abc import Generator, Iterator
from typing import Any, Callable, Optional, Protocol, Union

from . import _native
from ._errors import check


class ProgressBar(Protocol):
    """A bar of tqdm, or what is like one."""

    total: Any

    def update(self, n: float) -> object: ...


#: A function of the share done, a bar of tqdm, or the class tqdm itself.
Progress = Union[Callable[[float], object], ProgressBar, type]


@contextlib.contextmanager
def reporting_to(progress: Optional[Progress]) -> Iterator[Optional[Callable[[float], object]]]:
    """A function of the share done, which moves a bar where `progress` is one."""
    if isinstance(progress, type):
        with progress(total=100, unit="%") as bar:
            yield _Steps(bar)
    elif hasattr(progress, "update"):
        yield _Steps(progress)
    else:
        yield progress


class _Steps:
    """Moves a bar to a share of its total, from where it stands."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._total = getattr(bar, "total", None) or 1
        self._done = 0.0

    def __call__(self, fraction: float) -> None:
        done = fraction * self._total
        self._bar.update(done - self._done)
        self._done = done


class _RunningCalls:
    """The calls under way in all threads. A daemon thread that is inside the library when the
    process ends would crash it, since the network's memory goes first."""

    _LONGEST_WAIT = 10.0  # seconds; calls are cancelled between batches

    def __init__(self) -> None:
        self.ending = False
        self._count = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        with self._changed:
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def end(self) -> None:
        """Ask all to stop, and wait until they have."""
        self.ending = True
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, self._LONGEST_WAIT)


_calls = _RunningCalls()
atexit.register(lambda: _calls.end())


def _forget_calls() -> None:
    """Calls of other threads do not go on in a forked process."""
    global _calls
    _calls = _RunningCalls()


os.register_at_fork(after_in_child=_forget_calls)


# The library hands `user`, a listener made by _listen(), and the fraction to this method of all
# generators. A plain function would not do: Python delivers a pending KeyboardInterrupt on the
# way into a function, before its `try`, where ctypes can only print and lose it. A generator
# goes on from inside its `try`.
_send_to_listener = _native.progress_callback(types.GeneratorType.send)
_NOBODY = _native.progress_callback(0)  # NULL


def _listen(
    progress: Optional[Callable[[float], object]], failures: list[BaseException]
) -> Generator[int, float, None]:
    """Passes fractions on to `progress` and yields whether to stop; collects what it raises."""
    stop = 0
    while True:
        try:
            fraction = yield stop
            if _calls.ending:
                raise SystemExit  # which ends a thread without a message
            if progress is not None and progress(fraction):
                stop = 1
        except GeneratorExit:
            return
        except BaseException as failure:  # KeyboardInterrupt too: raised again after the call
            failures.append(failure)
            stop = 1


def progress_passes() -> tuple[int, int]:
    """Network evaluations of the call whose progress callback is running: how many are done, and
    how many it is expected to take, 0 before that is known.

    Raises:
        ArgumentError: not called from a progress callback, by its thread.
    """
    done, total = ctypes.c_int64(), ctypes.c_int64()
    check(_native.sscam_progress_passes(ctypes.byref(done), ctypes.byref(total)))
    return done.value, total.value


def call_with_progress(
    explainer: Any, progress: Optional[Progress], call: Callable[[], int]
) -> None:
    """Run a native call that reports to `progress`, and raise what went wrong in either.

    There is a listener even without `progress`, so that Ctrl-C ends the call.
    """
    with reporting_to(progress) as report:
        _call_reporting(explainer, report, call)


def _call_reporting(
    explainer: Any, report: Optional[Callable[[float], object]], call: Callable[[], int]
) -> None:
    failures: list[BaseException] = []
    listener = _listen(report, failures)
    next(listener)
    check(_native.sscam_explainer_set_progress(explainer, _send_to_listener, listener))
    try:
        with _calls.one_more():
            status = call()
        if failures:
            raise failures.pop()  # from the list: a traceback keeps this frame, and it the list
        check(status)
    finally:
        _native.sscam_explainer_set_progress(explainer, _NOBODY, None)
        listener.close()

"""Progress, cancellation, and exceptions on their way through the library."""

import gc
import os
import signal
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest

import sscam
from conftest import run_python


def test_fractions_rise_from_nought_to_one(explainer, batch):
    fractions = []
    threads = set()

    def record(fraction):
        fractions.append(fraction)
        threads.add(threading.get_ident())

    explainer.explain(batch, progress=record)
    assert fractions[0] == 0 and fractions[-1] == 1 and len(fractions) > 4
    assert fractions == sorted(fractions)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("stop_at", [0, 0.2, 1])
def test_true_cancels(explainer, batch, stop_at):
    heard = []

    def stop(fraction):
        heard.append(fraction)
        return fraction >= stop_at

    with pytest.raises(sscam.Cancelled):
        explainer.explain(batch, progress=stop)
    assert [fraction >= stop_at for fraction in heard] == [False] * (len(heard) - 1) + [True]
    assert len(explainer.explain(batch)) == 2


class Oops(Exception):
    pass


@pytest.mark.parametrize("error", [Oops, KeyboardInterrupt, SystemExit, StopIteration])
def test_exception_comes_through(explainer, pixels, error):
    raised = error("in the callback")

    def fail(fraction):
        if fraction > 0.1:
            raise raised

    with pytest.raises(error) as caught:
        explainer.explain(pixels, progress=fail)
    assert caught.value is raised and raised.__cause__ is None
    assert [entry.name for entry in caught.traceback][-1] == "fail"
    assert explainer.explain(pixels).data.max() == 1


def test_exception_of_a_truth_value(explainer, batch):
    with pytest.raises(ValueError, match="ambiguous"):
        explainer.explain(batch, progress=lambda fraction: np.zeros(2))


def test_nothing_is_kept_of_a_call(explainer, batch):
    class Callback:
        def __call__(self, fraction):
            if fraction > 0.5:
                raise Oops

    callback = Callback()
    alive = weakref.ref(callback)
    gc.disable()
    try:
        with pytest.raises(Oops):
            explainer.explain(batch, progress=callback)
        sys.last_value = None
        del callback
        assert alive() is None
    finally:
        gc.enable()


def test_explainer_cannot_be_used_from_its_own_callback(explainer, batch):
    uses = [
        lambda: explainer.explain(batch),
        lambda: explainer.options["samples"],
        lambda: explainer.options.update(samples=3),
        explainer.close,
    ]
    refused = []

    def use(fraction):
        for call in uses:
            with pytest.raises(RuntimeError, match="in use") as caught:
                call()
            refused.append(caught.value)
        return True

    with pytest.raises(sscam.Cancelled):
        explainer.explain(batch, progress=use)
    assert len(refused) == len(uses)


def test_another_explainer_can_be_used_from_a_callback(model, explainer, batch):
    inner = []

    def explain_another(fraction):
        if not inner:
            inner.append(model.explain(batch[0], "grad-cam"))

    outer = explainer.explain(batch, progress=explain_another)
    assert len(outer) == 2 and inner[0].data.max() == 1


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where the suite was started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupt_without_progress(interruptible, model, batch):
    """SIGINT in the middle of a long call; its handler can only run in the listener."""
    fired = threading.Event()

    def interrupt():
        fired.set()
        os.kill(os.getpid(), signal.SIGINT)

    with sscam.Explainer(model, "ss-cam-max", samples=100000, batch_size=2) as explainer:
        timer = threading.Timer(0.2, interrupt)
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            explainer.explain(batch)
        timer.join()
        assert fired.is_set()
        explainer.options.update(samples=1, max_channels=2)
        assert len(explainer.explain(batch)) == 2


def test_interrupt_leaves_no_trace_on_standard_error(model_path):
    script = textwrap.dedent("""
        import os, signal, sys, threading
        import numpy, sscam
        signal.signal(signal.SIGINT, signal.default_int_handler)
        model = sscam.Model(sys.argv[1])
        inputs = numpy.linspace(-1, 1, 3 * 64 * 64).reshape(3, 64, 64)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            model.explain(inputs, "ss-cam-mean", samples=1000000, batch_size=2)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    done = run_python(script, model_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_cancel_from_another_thread(model, batch):
    """The call has made progress, so it is under way; it would last for hours."""
    started = threading.Event()

    def cancel():
        started.wait()
        explainer.cancel()

    with sscam.Explainer(model, "ss-cam-max", samples=100000, batch_size=2) as explainer:
        explainer.cancel()  # no call: nothing happens
        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(sscam.Cancelled, match=r"sscam_explainer_cancel\(\)"):
            explainer.explain(batch, progress=lambda fraction: started.set())
        thread.join()
        explainer.options.update(samples=1, max_channels=2)
        assert len(explainer.explain(batch)) == 2
    explainer.cancel()  # closed: nothing happens


def test_deadline(model, batch):
    with sscam.Explainer(model, "ss-cam-max", samples=100000, deadline=50) as explainer:
        with pytest.raises(sscam.Cancelled, match="the deadline of 50 ms has passed"):
            explainer.explain(batch)
        assert explainer.options["deadline"] == 50

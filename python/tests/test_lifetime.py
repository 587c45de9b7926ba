"""Closing, forgetting, sharing between threads."""

import contextlib
import copy
import gc
import itertools
import textwrap
import threading
import weakref

import numpy as np
import pytest

import sscam
from conftest import run_python
from sscam import _native


@pytest.fixture
def destroyed(monkeypatch):
    """Names of the destroy functions called, in order."""
    calls = []
    for name in ("sscam_model_unref", "sscam_explainer_unref", "sscam_map_unref"):
        function = getattr(_native, name)

        def destroy(pointer, name=name, function=function):
            calls.append(name)
            function(pointer)

        monkeypatch.setattr(_native, name, destroy)
    return calls


def test_context_managers_close(model_source, batch):
    with sscam.Model(model_source) as model:
        with sscam.Explainer(model, "grad-cam") as explainer:
            explainer.explain(batch)
        for use in (
            lambda: explainer.explain(batch),
            lambda: explainer.preprocess(b"no image"),
            lambda: explainer.options["samples"],
            lambda: explainer.options.update(seed=1),
        ):
            with pytest.raises((ValueError, sscam.FormatError)):
                use()
        with pytest.raises(ValueError, match="this Explainer is closed"):
            explainer.explain(batch)
    for use in (
        lambda: model.classify(batch),
        model.layers,
        lambda: model.device,
        lambda: model.explain(batch),
        lambda: sscam.Explainer(model),
    ):
        with pytest.raises(ValueError, match="this Model is closed"):
            use()
    assert repr(model) == "<sscam.Model: closed>"
    assert repr(explainer) == "<sscam.Explainer: closed>"
    model.close()
    explainer.close()


def test_explainer_outlives_its_model(model_source, batch):
    model = sscam.Model(model_source)
    explainer = sscam.Explainer(model, "grad-cam")
    expected = explainer.explain(batch[0]).data.copy()
    model.close()
    del model
    np.testing.assert_array_equal(explainer.explain(batch[0]).data, expected)


def test_everything_is_freed_in_any_order(destroyed, model_source, batch):
    for order in itertools.permutations(range(3)):
        destroyed.clear()
        model = sscam.Model(model_source)
        explainer = sscam.Explainer(model, "grad-cam")
        objects = [model, explainer, explainer.explain(batch[0])]
        destroyed.clear()
        del model, explainer
        for index in order:
            objects[index] = None
        assert sorted(destroyed) == [
            "sscam_explainer_unref",
            "sscam_map_unref",
            "sscam_model_unref",
        ]


def test_freed_without_the_cycle_collector(destroyed, model_source, batch):
    gc.disable()
    try:
        model = sscam.Model(model_source)
        found = model.explain(batch[0], "grad-cam")
        assert destroyed.count("sscam_explainer_unref") == 1
        view = found.data
        del found
        assert "sscam_map_unref" not in destroyed
        del view
        assert destroyed.count("sscam_map_unref") == 1
        explainer = sscam.Explainer(model, "grad-cam")
        options = explainer.options
        del explainer
        assert options["samples"] == 10
        del options
        assert destroyed.count("sscam_explainer_unref") == 2
    finally:
        gc.enable()


def test_calls_leave_no_garbage_behind(model, model_source, explainer, batch, pixels):
    def use_everything():
        found = explainer.explain(pixels)
        found.overlay(pixels), found.heatmap(), found.data, found.raw, found.weights
        explainer.explain(batch), explainer.preprocess(pixels), dict(explainer.options)
        model.classify(batch), model.layers(), sscam.Model(model_source)
        sscam.explain_all([explainer], batch, classes=[0])
        for stop in (lambda fraction: True, lambda fraction: 1 / 0):
            with contextlib.suppress(sscam.Cancelled, ZeroDivisionError):
                explainer.explain(batch, progress=stop)

    def garbage_of(count):
        gc.collect()
        for _ in range(count):
            use_everything()
        return gc.collect()

    gc.disable()
    try:
        # Types that ctypes makes and keeps for the next call, such as arrays of two pointers.
        assert garbage_of(4) == garbage_of(1)
    finally:
        gc.enable()


def test_failures_own_nothing(destroyed, model, batch):
    with pytest.raises(sscam.ArgumentError):
        sscam.Explainer(model, samples=0)
    gc.collect()
    assert destroyed.count("sscam_explainer_unref") == 1
    with pytest.raises(sscam.ClassError):
        model.explain(batch, "grad-cam", class_index=[0, 10**6])
    assert "sscam_map_unref" not in destroyed


def test_copies_of_a_map_share_it(model, batch):
    found = model.explain(batch[0], "grad-cam")
    twin = copy.copy(found)
    expected = found.data.copy()
    del found
    np.testing.assert_array_equal(twin.data, expected)


def test_interpreter_ends_with_everything_alive(model_path):
    """A daemon thread is inside the library at the end; it is stopped, and nothing is printed."""
    script = textwrap.dedent("""
        import sys, threading
        import numpy, sscam
        model = sscam.Model(sys.argv[1])
        explainer = sscam.Explainer(model, "ss-cam-max", samples=1000000, batch_size=1)
        inputs = numpy.linspace(-1, 1, 3 * 64 * 64).reshape(3, 64, 64)
        found = model.explain(inputs, "grad-cam")
        view = found.data
        started = threading.Event()
        thread = threading.Thread(target=explainer.explain, args=(inputs,), daemon=True,
                                  kwargs={"progress": lambda fraction: started.set()})
        thread.start()
        started.wait()
    """)
    done = run_python(script, model_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_forked_process_does_not_wait_for_calls_of_its_parent(model_path):
    script = textwrap.dedent("""
        import os, sys, threading, time
        import numpy, sscam
        model = sscam.Model(sys.argv[1])
        inputs = numpy.linspace(-1, 1, 3 * 64 * 64).reshape(3, 64, 64)
        started, leave = threading.Event(), threading.Event()

        def wait(fraction):
            started.set()
            leave.wait()

        thread = threading.Thread(target=model.explain, args=(inputs, "grad-cam"),
                                  kwargs={"progress": wait}, daemon=True)
        thread.start()
        started.wait()
        child = os.fork()
        if child == 0:
            sys.exit(7)
        before = time.monotonic()
        status = os.waitpid(child, 0)[1]
        assert time.monotonic() - before < 8, "the child waited"
        leave.set()
        thread.join()
        print(os.WEXITSTATUS(status))
    """)
    done = run_python(script, model_path)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


# --- threads ------------------------------------------------------------------------------------


def run_all(functions):
    """Run functions at once; their results, or the first exception."""
    results = [None] * len(functions)
    failures = []

    def run(index):
        try:
            results[index] = functions[index]()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def test_threads_share_a_model(model, batch):
    def explain(index):
        return lambda: [
            model.explain(batch[index % 2], "score-cam", max_channels=4).data for _ in range(3)
        ]

    expected = [model.explain(one, "score-cam", max_channels=4).data for one in batch]
    for index, maps in enumerate(run_all([explain(index) for index in range(4)])):
        for data in maps:
            np.testing.assert_allclose(data, expected[index % 2], atol=1e-4)


def test_other_threads_run_meanwhile(explainer, batch):
    """The interpreter's lock is free during a call, and taken for the callback."""
    counted = []
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counted.append(1)
            stop.wait(0.0005)

    counter = threading.Thread(target=count)
    counter.start()
    explainer.options.update(max_channels=20)
    explainer.explain(batch)
    stop.set()
    counter.join()
    assert counted


def test_two_threads_cannot_use_one_explainer(explainer, batch):
    inside, leave = threading.Event(), threading.Event()

    def wait(fraction):
        inside.set()
        leave.wait(30)

    thread = threading.Thread(target=explainer.explain, args=(batch,), kwargs={"progress": wait})
    thread.start()
    assert inside.wait(30)
    with pytest.raises(RuntimeError, match="in use"):
        explainer.explain(batch)
    with pytest.raises(RuntimeError, match="in use"):
        explainer.close()
    leave.set()
    thread.join()
    assert len(explainer.explain(batch)) == 2


def test_model_closed_while_used(model_source, batch):
    for _ in range(5):
        model = sscam.Model(model_source)
        ready = threading.Barrier(2)

        def classify(model=model, ready=ready):
            ready.wait()
            try:
                while True:
                    model.classify(batch[0])
            except ValueError as failure:
                return str(failure)

        def close(model=model, ready=ready):
            ready.wait()
            model.close()

        assert run_all([classify, close])[0] == "this Model is closed"


def test_explainers_are_not_kept(model):
    explainer = sscam.Explainer(model)
    alive = weakref.ref(explainer)
    del explainer
    assert alive() is None

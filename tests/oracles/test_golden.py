"""Maps of every method, as they were when golden.npz was written, and as they are in any other way
of computing them. The file guards against silent change; that the maps were right is what the other
oracles say. When a change is meant: python3 tests/oracles/make_golden.py"""

import os

import numpy as np
import pytest

import golden

# One build gives the same bytes in the same way of computing. Between releases of libtorch, numbers
# of threads and batches, the network's own rounding differs.
RELATIVE = 1e-4  # of the largest value of each map, and of the largest weight


@pytest.fixture(scope="module")
def usual(program):
    return golden.maps_of(program.path)


def compare(one, other, kind, differences):
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert values.shape == other[name].shape
        difference = np.abs(values - other[name]).max() / np.abs(other[name]).max()
        differences(kind, difference, RELATIVE)


def test_maps_are_what_they_were(usual, differences):
    with np.load(golden.FILE) as kept:
        compare(usual, dict(kept), "of maps from golden.npz", differences)


def test_every_method_is_kept(program):
    with np.load(golden.FILE) as kept:
        assert {name.split(".")[0] for name in kept} == set(golden.methods_of(program.path))


def test_another_process_gives_the_same_bytes(program, usual):
    again = golden.maps_of(program.path)
    for name, values in usual.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)


@pytest.mark.parametrize("batch_size", [1, 64])
def test_batches_are_only_rounded_otherwise(program, usual, differences, batch_size):
    compare(
        golden.maps_of(program.path, batch_size=batch_size),
        usual,
        "of maps in other batches",
        differences,
    )


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_are_only_rounded_otherwise(program, usual, differences, threads):
    environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    compare(
        golden.maps_of(program.path, environment), usual, "of maps by other threads", differences
    )


def test_workers_are_only_rounded_otherwise(program, usual, differences):
    compare(golden.maps_of(program.path, workers=3), usual, "of maps by three workers", differences)


def test_measured_forms_are_only_rounded_otherwise(program, usual, differences):
    compare(
        golden.maps_of(program.path, calibrate="on", workers=0),
        usual,
        "of maps in the fastest form",
        differences,
    )

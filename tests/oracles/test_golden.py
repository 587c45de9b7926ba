"""Maps of every method, as they were when golden.npz was written, and as they are in any other way
of computing them. The file guards against silent change; that the maps were right is what the other
oracles say. After an intended change: python3 tests/oracles/make_golden.py"""

import os

import numpy as np
import pytest

import golden

# One build gives the same bytes with the same settings. Between releases of libtorch, numbers
# of threads and batches, the network's own rounding differs.
RELATIVE = 1e-4  # of the largest value of each map, and of the largest weight


@pytest.fixture(scope="module")
def default_maps(program):
    return golden.maps_of(program.path)


def compare(one, other, kind, differences):
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert values.shape == other[name].shape
        difference = np.abs(values - other[name]).max() / np.abs(other[name]).max()
        differences(kind, difference, RELATIVE)


def test_maps_are_what_they_were(default_maps, differences):
    with np.load(golden.FILE) as kept:
        compare(default_maps, dict(kept), "of maps from golden.npz", differences)


def test_every_method_is_kept(program):
    with np.load(golden.FILE) as kept:
        assert {name.split(".")[0] for name in kept} == set(golden.methods_of(program.path))


def test_another_process_gives_the_same_bytes(program, default_maps):
    again = golden.maps_of(program.path)
    for name, values in default_maps.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)


@pytest.mark.parametrize("batch_size", [1, 64])
def test_batches_are_only_rounded_otherwise(program, default_maps, differences, batch_size):
    compare(
        golden.maps_of(program.path, batch_size=batch_size),
        default_maps,
        "of maps in other batches",
        differences,
    )


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_are_only_rounded_otherwise(program, default_maps, differences, threads):
    environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    compare(
        golden.maps_of(program.path, environment),
        default_maps,
        "of maps by other threads",
        differences,
    )


def test_workers_are_only_rounded_otherwise(program, default_maps, differences):
    compare(
        golden.maps_of(program.path, workers=3),
        default_maps,
        "of maps by three workers",
        differences,
    )


def test_measured_forms_are_only_rounded_otherwise(program, default_maps, differences):
    compare(
        golden.maps_of(program.path, calibrate="on", workers=0),
        default_maps,
        "of maps in the fastest form",
        differences,
    )

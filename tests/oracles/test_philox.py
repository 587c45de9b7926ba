"""The noise: Philox against its authors' known answers, and the C library against float64."""

import os
import subprocess

import numpy as np
import pytest

from philox import noise, philox4x32

# kat_vectors of Random123, "philox 4x32 10": counter, key, outputs.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]

# (seed, channel, sample, image, first, count)
REQUESTS = [
    (0, 0, 0, 0, 0, 50176),
    (0, 511, 34, 0, 0, 50176),
    (1, 3, 9, 2, 1, 1001),
    (-1, 0, 1, 0, 2, 1002),
    (-(1 << 63), 7, 0, 1, 3, 1003),
    ((1 << 63) - 1, 7, 0, 1, 5, 7),
    (1 << 32, 1, 2, 3, 0, 1),
    (20200627 << 20, 4294967295, 4294967295, 4294967295, 150525, 3),
    (42, 12, 5, 0, 17179869180, 4),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize("counter, key, outputs", KNOWN_ANSWERS)
def test_known_answers(counter, key, outputs):
    assert [int(word) for word in philox4x32(words(counter), words(key))] == words(outputs)


def test_any_part_of_a_plane_is_the_same_plane():
    whole = noise(5, 1, 2, 3, count=64)
    for first in range(9):
        np.testing.assert_array_equal(
            noise(5, 1, 2, 3, count=20, first=first), whole[first : first + 20]
        )


def assert_standard_normal(values):
    """Moments and tail within five standard errors of N(0, 1)."""
    error = 5 / np.sqrt(len(values))
    assert abs(values.mean()) < error
    assert abs(values.std() - 1) < error
    assert abs((values**3).mean()) < error * np.sqrt(15)
    assert abs((values**4).mean() - 3) < error * np.sqrt(96)
    assert abs((np.abs(values) > 3).mean() - 0.0026998) < error * np.sqrt(0.0027)


def test_definition_gives_normal_values():
    values = noise(9, 0, 0, 0, count=1 << 20)
    assert_standard_normal(values)
    # Neighbours share a pair of uniforms: they must still be uncorrelated.
    for lag in (1, 2, 3, 4):
        assert abs((values[lag:] * values[:-lag]).mean()) < 5 / np.sqrt(len(values))


@pytest.mark.parametrize(
    "changed", [{"seed": 10}, {"seed": 9 + (1 << 32)}, {"channel": 1}, {"sample": 1}, {"image": 1}]
)
def test_every_coordinate_matters(changed):
    origin = {"seed": 9, "channel": 0, "sample": 0, "image": 0}
    here = noise(**origin, count=4096)
    there = noise(**{**origin, **changed}, count=4096)
    assert abs(np.corrcoef(here, there)[0, 1]) < 5 / 64


def probe(path, requests):
    """The C library's values for requests, as one array each."""
    executable = os.environ.get("SSCAM_NOISE_PROBE")
    if not executable:
        pytest.skip("skipped: SSCAM_NOISE_PROBE does not name the built noise_probe")
    lines = "".join(" ".join(map(str, request)) + "\n" for request in requests)
    subprocess.run([executable, path], input=lines, text=True, check=True)
    ends = np.cumsum([request[-1] for request in requests])
    return np.split(np.fromfile(path, np.float32), ends[:-1])


def test_library_agrees_with_float64(tmp_path):
    for request, values in zip(REQUESTS, probe(tmp_path / "values", REQUESTS)):
        seed, channel, sample, image, first, count = request
        expected = noise(seed, channel, sample, image, count, first)
        assert values.shape == expected.shape
        assert np.abs(values - expected).max() < 1e-5, request


def test_library_is_right_in_the_tails(tmp_path):
    """Sixteen million values reach past 5 standard deviations, where the logarithm is steep."""
    requests = [(77, channel, 0, 0, 0, 1 << 20) for channel in range(16)]
    farthest = 0
    for (seed, channel, *_, count), values in zip(requests, probe(tmp_path / "values", requests)):
        assert np.abs(values - noise(seed, channel, 0, 0, count)).max() < 1e-5
        assert_standard_normal(values.astype(np.float64))
        farthest = max(farthest, np.abs(values).max())
    assert farthest > 5

"""What the tests of exported programs share."""

import numpy as np
import pytest

import sscam


@pytest.fixture
def image():
    return np.random.RandomState(0).randn(1, 3, 8, 8).astype(np.float32)


def load(program):
    """A model of a program, or of the bytes of its file."""
    return sscam.Model(program if isinstance(program, bytes) else program.archive())

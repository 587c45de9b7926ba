"""Flags that say how image files are read: their effect on what the network gets."""

import json

import numpy as np
import PIL.Image
import pytest

from conftest import assert_one_line

FAST = ("-m", "grad-cam", "--json")


@pytest.fixture
def logit_of(sscam, network):
    def run(path, *flags):
        result = sscam("explain", network.model, path, *FAST, "-c", "1", *flags)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)["logit"]

    return run


@pytest.fixture
def pixels(network):
    """More in one corner than in the others."""
    with PIL.Image.open(network.image) as image:
        array = np.asarray(image.convert("RGB")).copy()
    array[: array.shape[0] // 2, : array.shape[1] // 2] //= 3
    return array


def test_orientation_is_ignored_when_asked(logit_of, pixels, tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image = PIL.Image.fromarray(pixels)
    image.save(tmp_path / "turned.png", exif=exif.tobytes())
    image.save(tmp_path / "stored.png")
    image.transpose(PIL.Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    turned, stored, upright = (
        logit_of(tmp_path / f"{name}.png") for name in ("turned", "stored", "upright")
    )
    assert turned == upright != stored
    assert logit_of(tmp_path / "turned.png", "--ignore-orientation") == stored


def test_truncated_files_are_taken_when_asked(sscam, network, logit_of, pixels, tmp_path):
    PIL.Image.fromarray(pixels).save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "short.png").write_bytes(data[: len(data) * 3 // 4])
    refused = sscam("explain", network.model, tmp_path / "short.png", *FAST)
    assert refused.returncode == 1 and "short.png" in refused.stderr
    logit = logit_of(tmp_path / "short.png", "--allow-truncated")
    assert logit != logit_of(tmp_path / "whole.png")


def test_significant_bits_scale_images_of_16_bits(sscam, network, logit_of, pixels, tmp_path):
    gray = pixels.mean(axis=2)
    PIL.Image.fromarray((gray / 255 * 1023).round().astype(np.uint16)).save(tmp_path / "ten.png")
    PIL.Image.fromarray((gray / 255 * 65535).round().astype(np.uint16)).save(tmp_path / "all.png")
    dark, ten, full = (
        logit_of(tmp_path / "ten.png"),
        logit_of(tmp_path / "ten.png", "--significant-bits", "10"),
        logit_of(tmp_path / "all.png"),
    )
    assert abs(ten - full) < 0.02 * abs(full) + 0.02 < abs(dark - full)
    for value in ("8", "17"):
        result = sscam("explain", network.model, network.image, "--significant-bits", value)
        assert_one_line(result, 2, "significant-bits")

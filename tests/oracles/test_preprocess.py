"""Decoding and preprocessing against PIL and torchvision: the same bits, whatever the image."""

import os
import subprocess

import numpy as np
import pytest
from PIL import Image

import preprocess_oracle as oracle

OPTIONS = [
    {},
    {"interpolation": "bicubic"},
    {"resize": "232", "crop": "224", "interpolation": "bicubic"},
    {"resize": "61x200", "crop": "50x90"},
    {"resize": "off", "crop": "100"},
    {"resize": "40", "crop": "off"},
    {"resize": "77", "crop": "128x101"},  # padded
    {"channel_order": "bgr", "mean": "0.4,0.5,0.6", "std": "0.25"},
    {"channel_order": "gray", "mean": "0.5", "std": "0.5"},
    {"resize": "300x300", "crop": "299", "mean": "0", "std": "1"},
]

SIZES = [
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 50),
    (50, 1),
    (2, 3),
    (5, 4),
    (37, 41),
    (255, 256),
    (256, 257),
    (257, 255),
    (511, 513),
    (640, 480),
    (1023, 77),
    (31, 1501),
    (2000, 1333),
]

MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]


@pytest.fixture(scope="session")
def probe(tmp_path_factory):
    """probe(what, image, type, **options): the array that the library makes of an image file."""
    executable = os.environ.get("SSCAM_PREPROCESS_PROBE")
    if not executable:
        pytest.skip("skipped: SSCAM_PREPROCESS_PROBE does not name the built preprocess_probe")
    output = tmp_path_factory.mktemp("probe") / "output"

    def run(what, image_path, dtype, **options):
        arguments = [f"{name}={value}" for name, value in options.items()]
        done = subprocess.run(
            [executable, what, image_path, output, *arguments],
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        return np.fromfile(output, dtype).reshape([int(side) for side in done.stdout.split()])

    return run


def difference(ours, theirs):
    assert ours.shape == theirs.shape
    return np.abs(ours.astype(np.float64) - theirs).max()


def noise(width, height, channels, seed=0):
    """Random blocks: sharp edges, constant areas and every level."""
    generator = np.random.default_rng(seed)
    blocks = generator.integers(0, 256, ((height + 2) // 3, (width + 2) // 3, channels), np.uint8)
    fine = generator.integers(0, 256, (height, width, channels), np.uint8)
    coarse = blocks.repeat(3, 0).repeat(3, 1)[:height, :width]
    return np.where(generator.random((height, width, 1)) < 0.5, coarse, fine)


def photographs(shared_data):
    return sorted(
        path for folder in ("photos", "boxed/images") for path in (shared_data / folder).iterdir()
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("width, height", SIZES)
def test_any_size(probe, differences, tmp_path, width, height, options):
    path = tmp_path / "image.png"
    Image.fromarray(noise(width, height, 3)).save(path)
    expected = oracle.network_input(path, **options)
    differences(
        "input, random images", difference(probe("input", path, np.float32, **options), expected), 0
    )


def save_in_mode(path, mode):
    """A PNG file of a PIL mode, with transparency where the mode has it."""
    rgba = Image.fromarray(noise(70, 45, 4), "RGBA")
    if mode == "LA":
        Image.merge("LA", rgba.split()[2:]).save(path)
    elif mode in ("1", "L"):
        rgba.convert("RGB").convert(mode).save(path)
    else:
        rgba.convert(mode).save(path)


@pytest.mark.parametrize("mode", MODES)
def test_png_modes(probe, differences, tmp_path, mode):
    path = tmp_path / "image.png"
    save_in_mode(path, mode)
    ours = probe("pixels", path, np.uint8)
    differences("pixels, PNG", difference(ours, oracle.pixels(path, ours.shape[2])), 0)
    for order in ("rgb", "gray", "rgba"):
        options = {"channel_order": order, "mean": "0.5", "std": "0.5"}
        differences(
            "input, PNG modes",
            difference(
                probe("input", path, np.float32, **options),
                oracle.network_input(path, **options),
            ),
            0,
        )


# PIL resizes images of floats by the same filters, without rounding.
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("height, width", [(45, 70), (24, 37), (90, 140), (45, 31)])
def test_png_of_16_bits(probe, differences, tmp_path, height, width, interpolation):
    path = tmp_path / "image.png"
    levels = np.random.default_rng(1).integers(0, 65536, (45, 70), np.uint16)
    Image.fromarray(levels).save(path)
    ours = probe("pixels", path, np.uint16)
    assert (ours[:, :, 0] == levels).all()
    filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    resized = Image.fromarray(levels.astype(np.float32)).resize(
        (width, height), filters[interpolation]
    )
    expected = (np.clip(np.asarray(resized, np.float64), 0, 65535) / 65535 - 0.25) / 0.5
    options = {
        "resize": f"{height}x{width}",
        "crop": "off",
        "interpolation": interpolation,
        "channel_order": "gray",
        "mean": "0.25",
        "std": "0.5",
    }
    found = probe("input", path, np.float32, **options)[0]
    differences("input, 16-bit PNG", np.abs(found - expected).max(), 2e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"quality": 30},
        {"progressive": True},
        {"optimize": True, "quality": 100},
        {"subsampling": 0},
        {"subsampling": 1},
        {"subsampling": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("width, height", [(1, 1), (7, 9), (64, 48), (131, 77)])
def test_jpeg_kinds(probe, differences, tmp_path, width, height, mode, settings):
    path = tmp_path / "image.jpg"
    Image.fromarray(noise(width, height, 4), "CMYK").convert(mode).save(path, **settings)
    ours = probe("pixels", path, np.uint8)
    assert ours.shape[2] == (1 if mode == "L" else 3)
    differences("pixels, JPEG", difference(ours, oracle.pixels(path, ours.shape[2])), 0)


def test_photographs_decode_alike(probe, differences, shared_data):
    for path in photographs(shared_data):
        ours = probe("pixels", path, np.uint8)
        differences("pixels, photographs", difference(ours, oracle.pixels(path, ours.shape[2])), 0)


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[1], OPTIONS[8]], ids=str)
def test_photographs_become_the_same_input(probe, differences, shared_data, options):
    for path in photographs(shared_data):
        expected = oracle.network_input(path, **options)
        differences(
            "input, photographs",
            difference(probe("input", path, np.float32, **options), expected),
            0,
        )

"""Image files of every format against PIL: the same pixels, turned the same way, or refused."""

import io
import os
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

WIDTH, HEIGHT = 37, 23


@pytest.fixture(scope="session")
def probe(tmp_path_factory):
    """probe(content, *words): the pixels that the library reads, or the message of its failure."""
    executable = os.environ.get("SSCAM_PREPROCESS_PROBE")
    if not executable:
        pytest.skip("skipped: SSCAM_PREPROCESS_PROBE does not name the built preprocess_probe")
    folder = tmp_path_factory.mktemp("files")

    def run(content, *words, dtype=np.uint8):
        (folder / "image").write_bytes(content)
        done = subprocess.run(
            [executable, "pixels", folder / "image", folder / "output", *words],
            text=True,
            capture_output=True,
        )
        assert done.returncode in (0, 1), done.stderr
        if done.returncode == 1:
            return done.stderr
        shape = [int(side) for side in done.stdout.split()]
        return np.fromfile(folder / "output", dtype).reshape(shape)

    return run


def sample(mode="RGB", width=WIDTH, height=HEIGHT):
    """Noise, of which smooth parts keep lossy formats honest."""
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x * 6, y * 10, (x + y) * 4, 255 - x * 5], -1).astype(np.uint8)
    noise = np.random.default_rng(3).integers(0, 256, smooth.shape, np.uint8)
    image = Image.fromarray(np.where(x[..., None] < width // 2, smooth, noise), "RGBA")
    return (
        image.convert("RGB").convert(mode)
        if mode in ("1", "P", "CMYK", "YCbCr")
        else (image.convert(mode))
    )


def encoded(image, kind, **settings):
    content = io.BytesIO()
    image.save(content, kind, **settings)
    return content.getvalue()


def read_by_pil(content, channels, turned=True):
    image = Image.open(io.BytesIO(content))
    if turned:
        image = ImageOps.exif_transpose(image)
    converted = image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
    return np.asarray(converted).reshape(image.height, image.width, channels)


def assert_same(found, content, channels, tolerance=0):
    assert not isinstance(found, str), found
    wanted = read_by_pil(content, channels)
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).max() <= tolerance


# --- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 37])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp(probe, mode, width):
    content = encoded(sample(mode, width), "BMP")
    assert_same(probe(content), content, 3)


def bmp(bits, compression, pixels, masks=b"", height=HEIGHT, header_size=40):
    header = bytearray(header_size)
    header[0:4] = header_size.to_bytes(4, "little")
    header[4:8] = WIDTH.to_bytes(4, "little")
    header[8:12] = height.to_bytes(4, "little", signed=True)
    header[12:16] = (1).to_bytes(2, "little") + bits.to_bytes(2, "little")
    header[16:20] = compression.to_bytes(4, "little")
    if header_size > 40:
        header[40 : 40 + len(masks)] = masks
        masks = b""
    start = 14 + len(header) + len(masks)
    size = start + len(pixels)
    return (
        b"BM" + size.to_bytes(4, "little") + bytes(4) + start.to_bytes(4, "little")
        + bytes(header) + masks + pixels
    )  # fmt: skip


def test_bmp_with_rows_downwards(probe):
    rgb = np.asarray(sample())
    rows = np.zeros((HEIGHT, (WIDTH * 3 + 3) // 4 * 4), np.uint8)
    rows[:, : WIDTH * 3] = rgb[:, :, ::-1].reshape(HEIGHT, -1)
    content = bmp(24, 0, rows.tobytes(), height=-HEIGHT)
    assert (probe(content) == rgb).all()


def test_bmp_with_alpha(probe):
    rgba = np.asarray(sample("RGBA"))
    masks = b"".join(mask.to_bytes(4, "little") for mask in (0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    pixels = rgba[::-1, :, [2, 1, 0, 3]].tobytes()
    assert (probe(bmp(32, 3, pixels, masks, header_size=108)) == rgba).all()
    # Without a mask of alpha, the fourth byte means nothing.
    assert (probe(bmp(32, 0, pixels)) == rgba[:, :, :3]).all()


def test_bmp_of_16_bits(probe):
    levels = np.random.default_rng(5).integers(0, 1 << 16, (HEIGHT, WIDTH), np.uint16)
    rows = np.zeros((HEIGHT, WIDTH + 1), "<u2")
    rows[:, :WIDTH] = levels[::-1]
    masks = b"".join(mask.to_bytes(4, "little") for mask in (0xF800, 0x7E0, 0x1F))
    found = probe(bmp(16, 3, rows.tobytes(), masks))
    wanted = np.stack([levels >> 11, levels >> 5 & 63, levels & 31], -1) * 255.0 / [31, 63, 31]
    assert np.abs(found - wanted).max() <= 0.5


@pytest.mark.parametrize(
    "content, why",
    [
        (bmp(8, 1, bytes(2000)), "compression 1 is not read"),
        (bmp(7, 0, bytes(9000)), "7 bits a pixel"),
        (bmp(32, 3, bytes(9000), b"\5" + bytes(15)), "do not adjoin"),
        (bmp(24, 0, bytes(50)), "ends too early"),
        (bmp(24, 0, bytes(9000), height=-(2**31)), "more than the 268435456 allowed"),
        (bmp(8, 0, b"\7" * 2000), "colour 7 of a palette of 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bmp_that_is_refused(probe, content, why):
    assert why in probe(content)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "packbits", "tiff_deflate"])
@pytest.mark.parametrize(
    "mode, channels",
    [("1", 1), ("L", 1), ("P", 3), ("RGB", 3), ("RGBA", 4), ("LA", 4), ("CMYK", 3)],
)
def test_tiff(probe, mode, channels, compression):
    content = encoded(sample(mode), "TIFF", compression=compression)
    found = probe(content)
    # CMYK has no one conversion: the tolerance is that of two formulas' rounding.
    assert_same(found, content, channels, 1 if mode == "CMYK" else 0)


def test_tiff_of_jpeg_colours(probe):
    content = encoded(sample(), "TIFF", compression="jpeg", quality=95)
    assert_same(probe(content), content, 3, 3)


@pytest.mark.parametrize("byte_order", ["<u2", ">u2"])
def test_tiff_of_16_bits(probe, byte_order):
    levels = np.random.default_rng(5).integers(0, 1 << 16, (HEIGHT, WIDTH), np.uint16)
    mode = "I;16" if byte_order == "<u2" else "I;16B"
    content = encoded(
        Image.frombytes(mode, (WIDTH, HEIGHT), levels.astype(byte_order).tobytes()), "TIFF"
    )
    assert (probe(content, dtype=np.uint16)[:, :, 0] == levels).all()


def test_tiff_of_floats_is_refused(probe):
    content = encoded(Image.fromarray(np.zeros((3, 4), np.float32)), "TIFF")
    assert "floating-point" in probe(content)


@pytest.mark.parametrize("mode, channels", [("RGB", 3), ("RGBA", 4), ("L", 3)])
@pytest.mark.parametrize("settings", [{"lossless": True}, {"quality": 70}], ids=str)
def test_webp(probe, mode, channels, settings):
    content = encoded(sample(mode), "WEBP", **settings)
    assert_same(probe(content), content, channels)


def test_animated_webp_is_refused(probe):
    frames = [sample(), sample().rotate(90)]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    assert "animated" in probe(content)


def test_other_formats_are_refused(probe):
    assert "none of PNG, JPEG, BMP, TIFF, WebP" in probe(encoded(sample(), "GIF"))


# --- orientation --------------------------------------------------------------------------------

TURNED = ["PNG", "JPEG", "TIFF", "WEBP"]


def with_orientation(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "TIFF":
        return encoded(sample(), kind, tiffinfo={274: orientation})
    return encoded(
        sample(), kind, exif=exif.tobytes(), **({"lossless": True} if kind == "WEBP" else {})
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", TURNED)
def test_images_are_turned(probe, kind, orientation):
    content = with_orientation(kind, orientation)
    found = probe(content)
    assert found.shape[:2] == ((HEIGHT, WIDTH) if orientation < 5 else (WIDTH, HEIGHT))
    # PIL turns TIFF files itself, when they are opened.
    assert_same(found, with_orientation("PNG", orientation) if kind == "TIFF" else content, 3)
    stored = probe(content, "stored")
    wanted = np.asarray(sample()) if kind == "TIFF" else read_by_pil(content, 3, turned=False)
    assert (stored == wanted).all()


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientations_that_do_not_exist_turn_nothing(probe, orientation):
    content = with_orientation("JPEG", orientation)
    assert (probe(content) == probe(content, "stored")).all()


def test_damaged_exif_turns_nothing(probe):
    content = with_orientation("JPEG", 6)
    start = content.index(b"Exif\0\0") + 6
    for cut in range(26):
        for byte in (0, 255):
            damaged = content[: start + cut] + bytes([byte]) + content[start + cut + 1 :]
            assert not isinstance(probe(damaged), str)


# --- truncated files ----------------------------------------------------------------------------


@pytest.mark.parametrize("progressive", [False, True])
def test_truncated_jpeg(probe, progressive):
    content = encoded(sample("RGB", 200, 160), "JPEG", quality=90, progressive=progressive)
    half = content[: len(content) * 6 // 10]
    assert "JPEG" in probe(half)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        wanted = read_by_pil(half, 3)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    found = probe(half, "truncated")
    assert found.shape == wanted.shape
    rows = 160 if progressive else 48
    assert (found[:rows] == wanted[:rows]).mean() > 0.99


def test_truncated_png_and_bmp(probe):
    image = sample("RGB", 200, 160)
    for kind in ("PNG", "BMP"):
        content = encoded(image, kind)
        half = content[: len(content) // 2]
        assert "early" in probe(half)
        found = probe(half, "truncated")
        rows = np.asarray(image) if kind == "PNG" else np.asarray(image)[::-1]
        found = found if kind == "PNG" else found[::-1]
        assert (found[:50] == rows[:50]).all()
        assert (found[-20:] == 0).all()


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "WEBP", "PNG", "JPEG"])
def test_files_that_end_anywhere_are_refused(probe, kind):
    content = encoded(sample("RGB", 9, 7), kind)
    for size in range(0, len(content) - 3, 7):
        found = probe(content[:size], *(["truncated"] if size % 2 and kind != "TIFF" else []))
        assert isinstance(found, str) or size % 2 or kind == "TIFF", size


# --- 16 bits ------------------------------------------------------------------------------------


def test_significant_bits_of_a_file(probe):
    levels = np.random.default_rng(5).integers(0, 1 << 12, (HEIGHT, WIDTH), np.uint16)
    content = encoded(Image.fromarray(levels), "PNG")
    assert (probe(content, "bits=12", dtype=np.uint16)[:, :, 0] == levels).all()
    assert "significant_bits 11 end at 2047" in probe(content, "bits=11")
    assert "significant_bits is 17" in probe(content, "bits=17")
    plain = encoded(sample(), "PNG")
    assert (probe(plain, "bits=12") == np.asarray(sample())).all()

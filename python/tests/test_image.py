"""Images in every accepted form."""

from pathlib import Path

import numpy as np
import pytest

import sscam
from conftest import run_python


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_comes_back_as_it_was(tmp_path, pixels, channels):
    written = np.concatenate([pixels, pixels[::-1]], axis=2)[:, :, :channels]
    sscam.write_png(tmp_path / "image.png", written)
    read = sscam.read_image(str(tmp_path / "image.png"))
    assert read.dtype == np.uint8 and read.flags.writeable
    np.testing.assert_array_equal(read, written)


def test_gray_without_channels(tmp_path, pixels):
    sscam.write_png(tmp_path / "gray.png", pixels[:, :, 0])
    assert sscam.read_image(tmp_path / "gray.png").shape == (*pixels.shape[:2], 1)


def test_content_of_a_file(image_path):
    np.testing.assert_array_equal(
        sscam.read_image(image_path.read_bytes()), sscam.read_image(image_path)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels[::-1],
        lambda pixels: pixels[:, ::2],
        lambda pixels: pixels[..., ::-1],
        lambda pixels: np.asfortranarray(pixels),
        lambda pixels: pixels.transpose(1, 0, 2),
        lambda pixels: np.broadcast_to(pixels[:1], pixels.shape),
    ],
    ids=["rows", "columns", "channels", "fortran", "transposed", "broadcast"],
)
def test_strided_arrays(tmp_path, pixels, change):
    changed = change(pixels)
    sscam.write_png(tmp_path / "strided.png", changed)
    np.testing.assert_array_equal(sscam.read_image(tmp_path / "strided.png"), changed)


@pytest.mark.parametrize(
    "shape, wanted",
    [
        ((4,), r"not of shape \(4,\)"),
        ((2, 4, 4, 3), r"not of shape \(2, 4, 4, 3\)"),
        ((3, 8, 8), r"the shape \(3, 8, 8\)"),
        ((8, 8, 2), "last dimension"),
        ((0, 8, 3), "0"),
    ],
)
def test_wrong_shapes(tmp_path, shape, wanted):
    with pytest.raises(sscam.ArgumentError, match=wanted):
        sscam.write_png(tmp_path / "wrong.png", np.zeros(shape, np.uint8))
    assert not (tmp_path / "wrong.png").exists()


def test_too_large_without_memory_taken(tmp_path):
    vast = np.broadcast_to(np.uint8(0), (2**32 + 1, 1))
    with pytest.raises(sscam.ArgumentError, match="larger than"):
        sscam.write_png(tmp_path / "vast.png", vast)


@pytest.mark.parametrize("wrong", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.int64), [[1]], None])
def test_wrong_types(tmp_path, wrong):
    with pytest.raises(TypeError, match="uint8"):
        sscam.write_png(tmp_path / "wrong.png", wrong)


def test_limit_of_pixels(tmp_path, pixels, model):
    sscam.write_png(tmp_path / "a.png", pixels)
    size = pixels.shape[0] * pixels.shape[1]
    for source in (tmp_path / "a.png", (tmp_path / "a.png").read_bytes()):
        with pytest.raises(sscam.FormatError, match=f"more than the {size - 1} allowed"):
            sscam.read_image(sscam.ImageFile(source, size - 1))
        with pytest.raises(sscam.FormatError, match="allowed"):
            model.explain(sscam.ImageFile(source, 1), method="grad-cam")
        np.testing.assert_array_equal(sscam.read_image(sscam.ImageFile(source, size)), pixels)
    for wrong in (0, -1, 2**63):
        with pytest.raises(sscam.ArgumentError, match="max_pixels"):
            sscam.read_image(sscam.ImageFile(tmp_path / "a.png", wrong))


def test_read_image_takes_names_and_contents_only(pixels):
    with pytest.raises(TypeError, match="not ndarray"):
        sscam.read_image(pixels)


def test_null_bytes_are_refused(pixels):
    for name in ("a\0b.png", b"a\0b.png", Path("a\0b.png")):
        with pytest.raises(ValueError, match="embedded null byte"):
            sscam.write_png(name, pixels)


def test_name_that_is_no_text(tmp_path, pixels):
    name = bytes(tmp_path / "caf") + b"\xe9.png"
    sscam.write_png(name, pixels)
    assert (tmp_path / "caf\udce9.png").exists()


# --- PIL ----------------------------------------------------------------------------------------


def map_of(model, image):
    return model.explain(image, "grad-cam", class_index=0).data


def test_every_form_of_one_image_gives_one_map(model, image_path):
    expected = map_of(model, sscam.read_image(image_path))
    for form in (image_path, str(image_path), image_path.read_bytes()):
        np.testing.assert_array_equal(map_of(model, form), expected)


def test_pil_images(model, tmp_path, pixels):
    Image = pytest.importorskip("PIL.Image")
    image = Image.fromarray(pixels)
    np.testing.assert_array_equal(map_of(model, image), map_of(model, pixels))
    for mode, plain in (
        ("L", "L"),
        ("1", "L"),
        ("LA", "RGBA"),
        ("CMYK", "RGB"),
        ("P", "RGB"),
        ("HSV", "RGB"),
        ("RGBA", "RGBA"),
    ):
        converted = image.convert(mode)
        sscam.write_png(tmp_path / "plain.png", np.asarray(converted.convert(plain)))
        np.testing.assert_array_equal(
            map_of(model, converted), map_of(model, tmp_path / "plain.png")
        )


def test_pil_palette_with_transparency(model, pixels):
    Image = pytest.importorskip("PIL.Image")
    image = Image.fromarray(pixels).convert("P")
    image.info["transparency"] = 3
    np.testing.assert_array_equal(map_of(model, image), map_of(model, image.convert("RGBA")))


def test_deep_pil_images_are_refused(model):
    Image = pytest.importorskip("PIL.Image")
    for mode in ("I", "F", "I;16"):
        with pytest.raises(TypeError, match="more than 8 bits"):
            model.explain(Image.new(mode, (250, 250)), "grad-cam")


def test_pil_is_not_imported_for_others():
    script = (
        "import numpy, sscam, sys; sscam.write_png(sys.argv[1], "
        "numpy.zeros((2, 2), numpy.uint8)); assert 'PIL' not in sys.modules"
    )
    assert run_python(script, "/dev/null").returncode == 0


def test_png_in_memory(pixels):
    np.testing.assert_array_equal(sscam.read_image(sscam.encode_png(pixels)), pixels)


def test_files_are_turned_and_may_be_truncated(tmp_path):
    PIL = pytest.importorskip("PIL.Image")
    exif = PIL.Exif()
    exif[0x0112] = 6
    pixels = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    path = tmp_path / "turned.png"
    PIL.fromarray(pixels).save(path, exif=exif.tobytes())
    np.testing.assert_array_equal(sscam.read_image(path), np.rot90(pixels, -1))
    stored = sscam.ImageFile(path, ignore_orientation=True)
    np.testing.assert_array_equal(sscam.read_image(stored), pixels)
    PIL.fromarray(pixels).save(tmp_path / "short.bmp")
    short = (tmp_path / "short.bmp").read_bytes()[:-500]
    with pytest.raises(sscam.FormatError, match="too early"):
        sscam.read_image(short)
    assert sscam.read_image(sscam.ImageFile(short, allow_truncated=True)).shape == pixels.shape


def test_significant_bits_are_checked(image_path):
    for bits in (8, 17):
        with pytest.raises(sscam.ArgumentError, match="significant_bits"):
            sscam.read_image(sscam.ImageFile(image_path, significant_bits=bits))

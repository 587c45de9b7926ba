"""Arrays as programs have them: other orders and types of pixels, tensors, memory that is not
copied, and buffers of the caller's that are drawn into."""

import numpy as np
import pytest

import sscam
from sscam import _image


@pytest.fixture(scope="module")
def wide(pixels):
    """The image with 16 bits a channel, which stand for the same colours."""
    return pixels.astype(np.uint16) * 257


def explained(model, image):
    return model.explain(image, method="grad-cam", class_index=0).data


def assert_same_input(model, image, other):
    """Up to a step of 8 bits, to which rows and columns are rounded where images have so many."""
    with sscam.Explainer(model, "grad-cam", mean=0, std=1) as explainer:
        np.testing.assert_allclose(
            explainer.preprocess(image), explainer.preprocess(other), atol=1.1 / 255
        )


# --- images -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels.astype(np.uint16) * 257,
        lambda pixels: (pixels.astype(np.uint16) * 257).astype(">u2"),
        lambda pixels: pixels / 255,
        lambda pixels: (pixels / 255).astype(np.float32),
        lambda pixels: sscam.PixelArray(pixels[..., ::-1].copy(), order="BGR"),
        lambda pixels: sscam.PixelArray(pixels[..., ::-1], order="BGR"),
        lambda pixels: sscam.PixelArray(pixels[..., ::-1].astype(np.uint16) * 257, order="BGR"),
        lambda pixels: pixels[..., ::-1].copy()[..., ::-1],
        lambda pixels: sscam.PixelArray(
            np.dstack([pixels[..., ::-1], np.full(pixels.shape[:2], 255, np.uint8)]), order="BGR"
        ),
        lambda pixels: np.hstack([pixels, pixels])[:, : pixels.shape[1]],
        lambda pixels: pixels[::-1].copy()[::-1],
        lambda pixels: np.asfortranarray(pixels),
    ],
    ids=[
        "uint16", "big-endian", "float64", "float32", "bgr", "bgr-view", "bgr16", "rgb-view",
        "bgra", "padded", "upwards", "fortran",
    ],
)  # fmt: skip
def test_same_colours_give_the_same_map(model, pixels, wide, change):
    image = change(pixels)
    array = image.array if isinstance(image, sscam.PixelArray) else image
    same = pixels if array.dtype == np.uint8 else wide  # resized with more than 8 bits
    np.testing.assert_array_equal(explained(model, image), explained(model, same))


def test_bits_differ_in_rounding_alone(model, pixels, wide):
    assert_same_input(model, wide, pixels)


def test_order_matters(model, pixels):
    turned = explained(model, sscam.PixelArray(pixels, order="BGR"))
    np.testing.assert_array_equal(turned, explained(model, pixels[..., ::-1].copy()))
    assert not np.array_equal(turned, explained(model, pixels))


def test_significant_bits(model, pixels):
    # Values of 8 bits have none of 12 bits that stand for them exactly.
    twelve = np.rint(pixels / 255 * 4095).astype(np.uint16)
    image = sscam.PixelArray(twelve, significant_bits=12)
    assert_same_input(model, image, pixels)
    with pytest.raises(sscam.ArgumentError, match="4096"):
        explained(model, sscam.PixelArray(twelve + np.uint16(4096 - twelve.max()), "RGB", 12))


def gray(pixels):
    return np.ascontiguousarray(pixels[..., 0])


@pytest.mark.parametrize(
    "given",
    [
        lambda pixels: pixels,
        gray,
        lambda pixels: pixels[::-1],
        lambda pixels: pixels[10:, 20:],
        lambda pixels: pixels[..., ::-1],
        lambda pixels: pixels.astype(np.uint16),
        lambda pixels: gray(pixels).astype(np.uint16)[::-1],
        lambda pixels: sscam.PixelArray(pixels, order="BGR"),
    ],
)
def test_nothing_is_copied(pixels, given):
    given = given(pixels)
    array = given.array if isinstance(given, sscam.PixelArray) else given
    described, owner = _image._describe(
        given if isinstance(given, sscam.PixelArray) else sscam.PixelArray(given)
    )
    assert owner is array or np.shares_memory(owner, array)
    least = array.ctypes.data - (2 * array.itemsize if array.strides[-1] < 0 else 0)
    assert described.data == least
    assert described.stride == array.strides[0]


@pytest.mark.parametrize(
    "image, wanted",
    [
        (np.full((8, 8, 3), 200.0), r"\[0,1\], not from 200 to 200"),
        (np.full((8, 8, 3), -0.1), r"\[0,1\]"),
        (np.full((8, 8, 3), np.nan), r"\[0,1\]"),
    ],
)
def test_float_images_beyond_their_range(model, image, wanted):
    with pytest.raises(sscam.ArgumentError, match=wanted):
        explained(model, image)


def test_float_images_of_inputs_stay_inputs(model):
    with pytest.raises(sscam.ArgumentError, match="looks like an image"):
        model.explain(np.zeros((64, 48, 3)), method="grad-cam", dimensions=2)


def test_wrong_orders():
    with pytest.raises(sscam.ArgumentError, match="order is 'GBR'"):
        sscam.PixelArray(np.zeros((4, 4, 3), np.uint8), order="GBR")


def test_deep_png(tmp_path, wide):
    sscam.write_png(tmp_path / "deep.png", wide)
    np.testing.assert_array_equal(sscam.read_image(tmp_path / "deep.png"), wide // 257)


# --- drawings -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(model, pixels):
    return model.explain(pixels, method="grad-cam")


def outs(height, width):
    """Arrays to draw into, and how the drawing lies in them as RGB."""
    padded = np.full((height, width + 7, 3), 77, np.uint8)
    rgba = np.zeros((height, width, 4), np.uint8)
    return {
        "packed": (np.empty((height, width, 3), np.uint8), lambda out: out),
        "padded": (padded[:, :width], lambda out: out),
        "upwards": (np.empty((height, width, 3), np.uint8)[::-1], lambda out: out),
        "rgba": (rgba, lambda out: out[..., :3]),
        "reversed": (np.empty((height, width, 3), np.uint8)[..., ::-1], lambda out: out),
        "transposed": (
            np.empty((width, height, 3), np.uint8).transpose(1, 0, 2),
            lambda out: out,
        ),
        "every second": (np.zeros((height, 2 * width, 3), np.uint8)[:, ::2], lambda out: out),
        "bgr": (
            sscam.PixelArray(np.empty((height, width, 3), np.uint8), order="BGR"),
            lambda out: out[..., ::-1],
        ),
        "bgra": (sscam.PixelArray(rgba.copy(), order="BGR"), lambda out: out[..., 2::-1]),
    }


@pytest.mark.parametrize("kind", outs(1, 1))
def test_overlay_into(found, pixels, kind):
    out, as_rgb = outs(*pixels.shape[:2])[kind]
    drawn = found.overlay(pixels, out=out)
    assert drawn is (out.array if isinstance(out, sscam.PixelArray) else out)
    np.testing.assert_array_equal(as_rgb(drawn), found.overlay(pixels))
    if drawn.shape[2] == 4:
        assert (drawn[..., 3] == 255).all()


def test_bytes_between_rows_stay(found, pixels):
    height, width = pixels.shape[:2]
    padded = np.full((height, width + 7, 3), 77, np.uint8)
    found.overlay(pixels, out=padded[:, :width])
    assert (padded[:, width:] == 77).all()


@pytest.mark.parametrize("kind", outs(1, 1))
def test_heatmap_into(found, kind):
    out, as_rgb = outs(*found.data.shape)[kind]
    np.testing.assert_array_equal(as_rgb(found.heatmap("jet", out=out)), found.heatmap("jet"))


def test_gray_heatmap_into(found):
    for shape in (found.data.shape, (*found.data.shape, 1)):
        out = np.empty(shape, np.uint8)
        painted = found.heatmap("gray", out=out)
        np.testing.assert_array_equal(painted.ravel(), found.heatmap("gray").ravel())


def test_overlay_onto_its_own_image(found, pixels):
    canvas = pixels.copy()
    wanted = found.overlay(pixels)
    np.testing.assert_array_equal(found.overlay(canvas, out=canvas), wanted)


def test_unusable_outs(found, pixels):
    read_only = np.empty(pixels.shape, np.uint8)
    read_only.flags.writeable = False
    for out, error, wanted in [
        (np.empty((4, 4, 3), np.uint8), sscam.ArgumentError, r"\(4, 4, 3\)"),
        (np.empty(pixels.shape, np.float32), TypeError, "float32"),
        (read_only, sscam.ArgumentError, "read-only"),
        (np.empty(pixels.shape[:2], np.uint8), sscam.ArgumentError, "GRAY8"),
        ([1], TypeError, "list"),
    ]:
        with pytest.raises(error, match=wanted):
            found.overlay(pixels, out=out)


# --- tensors ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_torch(model):
    try:
        import torch
    except ImportError as reason:  # none, or another one than the library's
        pytest.skip(f"skipped: {reason}")
    return torch


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(7).standard_normal((2, 3, 64, 64)).astype(np.float32)


def test_tensors_that_require_gradients(model, with_torch, inputs):
    tensor = with_torch.from_numpy(inputs).requires_grad_()
    found = model.explain(tensor * 1, method="grad-cam")
    for own, wanted in zip(found, model.explain(inputs, method="grad-cam")):
        np.testing.assert_array_equal(own.data, wanted.data)
    np.testing.assert_array_equal(model.classify(tensor), model.classify(inputs))


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float64"])
def test_tensors_of_other_precision(model, with_torch, inputs, name):
    tensor = with_torch.from_numpy(inputs).to(getattr(with_torch, name))
    wanted = model.classify(tensor.float().numpy())
    np.testing.assert_array_equal(model.classify(tensor), wanted)


def test_tensors_of_pixels(model, with_torch, pixels):
    tensor = with_torch.from_numpy(pixels.copy())
    np.testing.assert_array_equal(explained(model, tensor), explained(model, pixels))
    scaled = (tensor.permute(2, 0, 1).float() / 255).permute(1, 2, 0)
    assert_same_input(model, scaled, pixels)


def test_maps_become_tensors(with_torch, found):
    tensor = with_torch.from_dlpack(found)
    np.testing.assert_array_equal(tensor.numpy(), found.data)
    tensor.zero_()
    assert found.data.any()
    assert with_torch.as_tensor(np.array(found)).shape == found.data.shape


def test_functions_that_give_tensors(with_torch):
    weight = with_torch.ones(2, 3, requires_grad=True)

    def run(inputs, layer):
        features = with_torch.from_numpy(inputs).bfloat16()
        logits = features.mean((2, 3)).float() @ weight.T
        return logits if layer is None else (logits, features)

    own = sscam.Model.from_function(run, ["features"])
    values = np.ones((1, 3, 4, 4), np.float32)
    np.testing.assert_array_equal(own.classify(values), [[3, 3]])
    assert own.explain(values, method="eigen-cam")[0].data.shape == (4, 4)


def test_tensors_on_a_gpu(model_source, with_torch, inputs):
    if not with_torch.cuda.is_available():
        pytest.skip("skipped: no GPU")
    on_gpu, wanted = sscam.Model(model_source, "cuda"), sscam.Model(model_source)
    tensor = with_torch.from_numpy(inputs).cuda()
    np.testing.assert_allclose(on_gpu.classify(tensor), wanted.classify(inputs), atol=1e-3)
    for own, other in zip(
        on_gpu.explain(tensor, method="score-cam", max_channels=8),
        wanted.explain(inputs, method="score-cam", max_channels=8),
    ):
        np.testing.assert_allclose(own.data, other.data, atol=1e-3)
    with pytest.raises(sscam.DeviceError, match="cpu"):
        wanted.explain(tensor, method="grad-cam")


class OnGpu:
    """What CuPy and Numba offer; there need be no GPU to refuse it."""

    def __init__(self, shape, typestr="<f4"):
        self.__cuda_array_interface__ = {
            "data": (0x7F0000000000, True),
            "shape": shape,
            "typestr": typestr,
            "strides": None,
            "version": 3,
            "stream": 1,
        }


def test_a_gpus_memory_needs_a_model_there(model):
    for call in (
        lambda: model.explain(OnGpu((3, 64, 64)), method="grad-cam"),
        lambda: model.classify(OnGpu((1, 3, 64, 64))),
        lambda: model.explain_all(OnGpu((1, 3, 64, 64)), ["grad-cam"]),
    ):
        with pytest.raises((sscam.DeviceError, sscam.UnsupportedError)) as failure:
            call()
        assert "host's memory" in str(failure.value)
    with pytest.raises(sscam.ArgumentError, match=r"\(3,\)"):
        model.classify(OnGpu((3,)))
    with pytest.raises(TypeError, match="int64"):
        model.classify(OnGpu((1, 3, 64, 64), "<i8"))
    with pytest.raises(TypeError, match="host's memory"):
        sscam.Explainer(model, "grad-cam").preprocess(OnGpu((64, 64, 3)))

"""Loading, layers, classification."""

import numpy as np
import pytest

import sscam
from conftest import FAKE_BACKEND, run_python
from sscam import _native

# One class for each pixel, so that the class count depends on the input's size.
MAKE_CLASS_A_PIXEL = """
import sys, torch
mean = torch.nn.Conv2d(3, 1, 1)
torch.nn.init.constant_(mean.weight, 1 / 3)
torch.nn.init.zeros_(mean.bias)
torch.jit.script(torch.nn.Sequential(mean, torch.nn.Flatten()).eval()).save(sys.argv[1])
"""


def test_file_and_content_are_one_network(model, model_path, batch):
    content = model_path.read_bytes()
    expected = model.classify(batch)
    for source in (model_path, str(model_path), content, bytearray(content), memoryview(content)):
        with sscam.Model(source) as loaded:
            np.testing.assert_array_equal(loaded.classify(batch), expected)


def test_device(model):
    assert model.device == "cpu"
    assert repr(model) == "<sscam.Model on cpu>"


def test_source_of_a_wrong_type():
    with pytest.raises(TypeError, match="a file's content, not int"):
        sscam.Model(3)


def test_layers(model):
    layers = model.layers((3, 224, 224))
    assert layers == model.layers()
    (default,) = (layer for layer in layers if layer.is_default)
    assert default.name and default.kind
    assert len(default.shape) == 4 and default.shape[0] == 1 and default.shape[2] > 1
    assert model.explain(np.zeros((3, 224, 224), np.float32), "grad-cam").layer == default.name
    with pytest.raises(ValueError, match=r"must be \(C, H, W\), .*, not \(1, 1, 3, 224, 224\)"):
        model.layers((1, 1, 3, 224, 224))
    with pytest.raises(sscam.ArgumentError, match="input shape"):
        model.layers((3, 0, 224))


def test_classify(model, batch):
    logits = model.classify(batch)
    assert logits.dtype == np.float32 and logits.shape[0] == len(batch) == 2
    for one, row in zip(batch, logits):
        assert model.classify(one).shape == row.shape
        np.testing.assert_allclose(model.classify(one), row, rtol=1e-4, atol=1e-4)
    found = model.explain(batch[0], "grad-cam")
    assert found.class_index == logits[0].argmax()
    assert found.logit == pytest.approx(float(logits[0].max()), rel=1e-4)


def test_class_count_that_depends_on_the_size(tmp_path, monkeypatch):
    if FAKE_BACKEND:
        pytest.skip("skipped: needs libtorch")
    path = tmp_path / "class_a_pixel.pt"
    done = run_python(MAKE_CLASS_A_PIXEL, path)
    if "No module named 'torch'" in done.stderr:
        pytest.skip("skipped: no torch to make a network with")
    assert done.returncode == 0, done.stderr
    calls = []
    classify = _native.sscam_model_classify

    def counted(*arguments):
        calls.append(arguments)
        return classify(*arguments)

    monkeypatch.setattr(_native, "sscam_model_classify", counted)
    random = np.random.default_rng(4)
    with sscam.Model(path) as model:
        # The first size needs a call for the class count, a larger one a second call.
        for side, call_count in ((8, 2), (8, 1), (4, 1), (10, 2), (3, 1)):
            batch = random.standard_normal((2, 3, side, side)).astype(np.float32)
            calls.clear()
            logits = model.classify(batch)
            assert len(calls) == call_count
            np.testing.assert_allclose(logits, batch.mean(1).reshape(2, -1), atol=1e-6)


def test_floats_of_other_widths_and_strides(model, batch):
    expected = model.classify(batch)
    for same in (
        batch.astype(np.float64),
        batch.astype(">f4"),
        np.asfortranarray(batch),
        np.ascontiguousarray(batch[:, :, :, ::-1])[:, :, :, ::-1],
    ):
        np.testing.assert_array_equal(model.classify(same), expected)


def test_anything_that_offers_an_array(model, batch):
    class Offers:
        def __array__(self, dtype=None, copy=None):
            return batch

    np.testing.assert_array_equal(model.classify(Offers()), model.classify(batch))
    assert len(model.explain(Offers(), "grad-cam")) == 2


@pytest.mark.parametrize(
    "wrong, error, wanted",
    [
        ([[1.0]], TypeError, "not list"),
        (np.zeros((1, 3, 8, 8), np.int64), TypeError, "float32 inputs, not int64"),
        (np.zeros((1, 3, 8, 8), np.complex64), TypeError, "not complex64"),
        (np.zeros(8, np.float32), sscam.ArgumentError, r"not of shape \(8,\)"),
        (
            np.zeros((1, 1, 1, 3, 8, 8), np.float32),
            sscam.ArgumentError,
            r"\[C,H,W\] or \[N,C,H,W\]",
        ),
        (
            np.full((64, 48, 3), 2, np.float32),
            sscam.ArgumentError,
            "looks like an image|must be in",
        ),
        (np.zeros((0, 3, 8, 8), np.float32), sscam.ArgumentError, "N is 0"),
        (np.full((3, 8, 8), np.nan, np.float32), sscam.ArgumentError, "NaN at image 0"),
    ],
)
def test_wrong_inputs(model, wrong, error, wanted):
    with pytest.raises(error, match=wanted):
        model.classify(wrong)
    with pytest.raises(error, match=wanted):
        model.explain(wrong, "grad-cam")

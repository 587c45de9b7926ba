"""Loading, layers, classification."""

import numpy as np
import pytest

import sscam


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
        (np.zeros((64, 48, 3), np.float32), sscam.ArgumentError, "which must be uint8"),
        (np.zeros((0, 3, 8, 8), np.float32), sscam.ArgumentError, "N is 0"),
        (np.full((3, 8, 8), np.nan, np.float32), sscam.ArgumentError, "NaN at image 0"),
    ],
)
def test_wrong_inputs(model, wrong, error, wanted):
    with pytest.raises(error, match=wanted):
        model.classify(wrong)
    with pytest.raises(error, match=wanted):
        model.explain(wrong, "grad-cam")

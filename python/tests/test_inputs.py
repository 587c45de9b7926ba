"""Inputs in the order of axes and the type that a network takes, and several of them."""

import io

import numpy as np
import pytest

import sscam

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(5)
IMAGE = RNG.normal(size=(1, 3, 24, 32)).astype("f4")
BIAS = RNG.normal(size=(1, 4)).astype("f4")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.features = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 5, 4, 2), torch.nn.ReLU())
        self.head = torch.nn.Linear(6, 4)

    def classify(self, x):
        return self.head(self.features(x).mean([2, 3]))

    def forward(self, x):
        return self.classify(x)


class ChannelsLast(Net):
    def forward(self, x):
        return self.classify(x.permute(0, 3, 1, 2))


class Hidden(Net):
    def forward(self, x):
        return self.classify(torch.stack([x[..., 0], x[..., 1], x[..., 2]], 1))


class Bytes(Net):
    def forward(self, x):
        return self.classify(x.float() / 255)


class Several(Net):
    def forward(self, x, bias, flip: bool = False):
        return self.classify(x.flip(3) if flip else x) + bias


class InDictionary(Net):
    def forward(self, x: dict[str, torch.Tensor]):
        return self.classify(x["rgb"]) + x["bias"]


def model_of(network):
    content = io.BytesIO()
    torch.jit.save(torch.jit.script(network.eval()), content)
    return sscam.Model(content.getvalue())


def logits_of(network, *inputs):
    with torch.no_grad():
        return network.eval()(*inputs).numpy()


def test_a_model_tells_how_it_takes_inputs():
    assert (model_of(Net()).input_layout, model_of(Net()).input_type) == ("nchw", "float32")
    assert model_of(ChannelsLast()).input_layout == "nhwc"
    assert model_of(Hidden()).input_layout == ""
    assert model_of(Bytes()).input_type == "uint8"
    assert model_of(ChannelsLast()).input_shape == (None, 3, None, None)


def test_arrays_are_given_in_the_networks_order():
    last = np.moveaxis(IMAGE, 1, -1)
    plain = model_of(Net()).explain(IMAGE[0], "grad-cam")
    model = model_of(ChannelsLast())
    (batched,) = model.explain(last, "grad-cam")
    assert np.array_equal(batched.data, plain.data)
    assert np.array_equal(model.explain(IMAGE[0], "grad-cam").data, plain.data)
    assert np.allclose(model.classify(last), logits_of(ChannelsLast(), torch.from_numpy(last)))
    assert model.classify(last[0]).shape == (4,)
    assert model.layers((3, 24, 32))[-1].shape == (1, 4)
    told = model_of(Hidden()).with_inputs(layout="nhwc")
    assert np.array_equal(told.explain(last, "grad-cam")[0].data, plain.data)
    hidden = model_of(Hidden())
    assert np.array_equal(hidden.explain(last, "grad-cam", input_layout="nhwc")[0].data, plain.data)
    with pytest.raises(sscam.SscamError, match="input_layout"):
        hidden.explain(last, "grad-cam")


def test_whole_numbers_are_pixels():
    pixels = RNG.integers(0, 256, (1, 3, 24, 32), np.uint8)
    model = model_of(Bytes())
    assert np.allclose(
        model.classify(pixels), logits_of(Bytes(), torch.from_numpy(pixels)), atol=1e-5
    )
    assert np.array_equal(
        model.explain(pixels, "grad-cam")[0].data,
        model.explain(pixels.astype(np.int64), "grad-cam")[0].data,
    )
    with pytest.raises(sscam.ArgumentError, match="input_type"):
        model.explain(IMAGE, "grad-cam")
    with pytest.raises(TypeError):
        model_of(Net()).explain(pixels.astype(np.int64), "grad-cam")


def test_other_inputs_are_given_by_name():
    wanted = logits_of(Several(), torch.from_numpy(IMAGE), torch.from_numpy(BIAS), True)[0]
    model = model_of(Several())
    found = model.explain(IMAGE[0], "grad-cam", 2, inputs={"bias": BIAS, "flip": True})
    assert found.logit == pytest.approx(wanted[2], rel=1e-5)
    explainer = sscam.Explainer(model, "grad-cam", inputs={"bias": torch.from_numpy(BIAS)})
    explainer.set_input("flip", True)
    assert explainer.explain(IMAGE[0], 2).logit == pytest.approx(wanted[2], rel=1e-5)
    explainer.set_input("bias", None)
    with pytest.raises(sscam.ArgumentError, match=r"bias \(a tensor\)"):
        explainer.explain(IMAGE[0], 2)
    with pytest.raises(sscam.ArgumentError, match="bais"):
        model.explain(IMAGE[0], "grad-cam", inputs={"bais": BIAS})
    told = model.with_inputs({"bias": BIAS, "flip": True})
    assert np.allclose(told.classify(IMAGE)[0], wanted, rtol=1e-5)
    assert [layer.name for layer in told.layers((3, 24, 32)) if layer.is_default] == ["features"]
    both = told.with_inputs({"flip": False})  # the rest stays
    assert np.allclose(
        both.classify(IMAGE)[0],
        logits_of(Several(), torch.from_numpy(IMAGE), torch.from_numpy(BIAS))[0],
        rtol=1e-5,
    )


def test_batches_repeat_other_inputs():
    batch = np.concatenate([IMAGE, -IMAGE, 2 * IMAGE])
    told = model_of(Several()).with_inputs({"bias": BIAS})
    wanted = logits_of(Several(), torch.from_numpy(batch), torch.from_numpy(BIAS))
    assert np.allclose(told.classify(batch), wanted, rtol=1e-4, atol=1e-5)


def test_dictionaries():
    wanted = logits_of(
        InDictionary(), {"rgb": torch.from_numpy(IMAGE), "bias": torch.from_numpy(BIAS)}
    )
    told = model_of(InDictionary()).with_inputs({"x": {"bias": BIAS}})
    assert np.allclose(told.classify(IMAGE), wanted, rtol=1e-5)
    for image_input in ("x.rgb", None):
        told = model_of(InDictionary()).with_inputs({"x.bias": BIAS}, image_input=image_input)
        assert np.allclose(told.classify(IMAGE), wanted, rtol=1e-5)


def test_explainers_of_a_call_have_the_same_inputs():
    model = model_of(Several())
    one = sscam.Explainer(model, "grad-cam", inputs={"bias": BIAS})
    other = sscam.Explainer(model, "eigen-cam", inputs={"bias": 2 * BIAS})
    with pytest.raises(sscam.ArgumentError, match="other inputs"):
        sscam.explain_all([one, other], IMAGE[0])
    other.set_input("bias", BIAS)
    assert len(sscam.explain_all([one, other], IMAGE[0])) == 2


def test_functions_have_one_input():
    model = sscam.Model.from_function(lambda inputs, layer: np.zeros((len(inputs), 2), "f4"), ["x"])
    with pytest.raises(sscam.UnsupportedError, match="depth"):
        model.with_inputs({"depth": 1.0})

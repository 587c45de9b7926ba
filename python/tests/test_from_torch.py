"""Modules of torch that are exported in memory."""

import numpy as np
import pytest

import sscam

try:
    import torch
except ImportError as reason:  # none, or another one than the library's
    pytest.skip(f"skipped: {reason}", allow_module_level=True)

HAS_EXPORT = hasattr(getattr(getattr(torch, "export", None), "Dim", None), "AUTO")


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.ReLU()
        )
        self.dropout = torch.nn.Dropout(0.5)
        self.head = torch.nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.dropout(self.features(x).mean((2, 3))))


class Branching(Small):
    def forward(self, x):
        x = x * 2 if x.sum() > 0 else x
        return super().forward(x)


@pytest.fixture
def module():
    torch.manual_seed(3)
    made = Small()
    made.features[1].running_mean.normal_()
    return made


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(5).standard_normal((3, 3, 32, 24)).astype(np.float32)


def eager(module, inputs):
    module.eval()
    with torch.no_grad():
        return module(torch.from_numpy(inputs)).numpy()


FORMS = ["auto", "trace", "script", *(["export"] if HAS_EXPORT else [])]


@pytest.mark.parametrize("form", FORMS)
def test_logits_are_those_of_the_module(module, inputs, form):
    model = sscam.Model.from_torch(module, inputs[0], form=form, labels=list("abcd"))
    np.testing.assert_allclose(model.classify(inputs), eager(module, inputs), atol=1e-5)
    found = model.explain(inputs[0], method="score-cam", class_index="c")
    assert found.class_index == 2 and found.data.shape == (32, 24)


@pytest.mark.parametrize(
    "example",
    [
        lambda inputs: inputs,
        lambda inputs: inputs[0],
        lambda inputs: torch.from_numpy(inputs[:1]).requires_grad_(),
        lambda inputs: (3, 32, 24),
    ],
)
def test_examples(module, inputs, example):
    model = sscam.Model.from_torch(module, example(inputs))
    np.testing.assert_allclose(model.classify(inputs), eager(module, inputs), atol=1e-5)


def test_the_module_stays_as_it_is(module, inputs):
    module.train()
    module.dropout.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    sscam.Model.from_torch(module, inputs[0])
    assert module.training and module.features.training and not module.dropout.training
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_gradients_pass(module, inputs):
    model = sscam.Model.from_torch(module, inputs[0])
    wanted = model.explain(inputs[0], method="grad-cam", class_index=1)
    module.eval()
    features = module.features(torch.from_numpy(inputs[:1]))
    weights = module.head.weight[1] / (32 * 24)
    raw = torch.relu((weights[:, None, None] * features[0]).sum(0)).detach().numpy()
    np.testing.assert_allclose(wanted.raw, raw, atol=1e-6)


def test_what_cannot_be_exported(inputs):
    with pytest.raises(TypeError, match="Module, not int"):
        sscam.Model.from_torch(3, inputs)
    with pytest.raises(sscam.ArgumentError, match="form is 'onnx'"):
        sscam.Model.from_torch(Small(), inputs, form="onnx")
    with pytest.raises(sscam.ArgumentError, match="1 dimensions"):
        sscam.Model.from_torch(Small(), np.zeros(3, np.float32))
    with pytest.raises(sscam.ModelError, match="cannot follow"):
        sscam.Model.from_torch(Small(), (5, 32, 24))
    with pytest.raises(sscam.ModelError, match="form='script'"):
        sscam.Model.from_torch(Branching(), inputs, form="trace")
    if not HAS_EXPORT:
        with pytest.raises(sscam.ArgumentError, match="form='trace'"):
            sscam.Model.from_torch(Small(), inputs, form="export")
    else:
        with pytest.raises(sscam.ModelError, match=r"torch\.export"):
            sscam.Model.from_torch(Branching(), inputs, form="export")

"""Networks that no method can explain, or that break assumptions: each gives a message of its own,
or the right map."""

import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cams import GRADIENT_METHODS, METHODS, SCORING_METHODS

CLASSES = 5
INPUT = (
    np.random.default_rng(3).uniform(0.5, 1.5, (1, 3, 24, 32)).astype("f4")
)  # no zeros, which masks bring


class Net(nn.Module):
    """A small classifier, the base of the odd ones."""

    def __init__(self, channels: int = 6):
        super().__init__()
        torch.manual_seed(11)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, channels, 3, 2, 1), nn.ReLU()
        )
        self.head = nn.Linear(channels, CLASSES)

    def classify(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean([2, 3]))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x)


class TwoInputs(Net):
    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        return self.classify(x) * scale


class NoTensor(Net):
    def forward(self, x: Tensor) -> str:
        return "cat"


class NoPositions(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(INPUT.size, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1))


class Raises(Net):
    def forward(self, x: Tensor) -> Tensor:
        if x.size(2) == 24:
            raise ValueError("twenty-four rows are too many")
        return self.classify(x)


class RaisesWhenMasked(Net):
    def forward(self, x: Tensor) -> Tensor:
        if bool((x == 0).any()):
            if bool((x != 0).any()):  # its layers may be listed for zeros
                raise ValueError("the input is masked")
        return self.classify(x)


class RaisesInBatches(Net):
    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) > 1:
            raise ValueError("one at a time")
        return self.classify(x)


class WiderInBatches(Net):
    def forward(self, x: Tensor) -> Tensor:
        outputs = self.classify(x)
        return torch.cat([outputs, outputs], 1) if x.size(0) > 1 else outputs


class NarrowWhenMasked(Net):
    def forward(self, x: Tensor) -> Tensor:
        outputs = self.classify(x)
        return outputs[:, :2] if bool((x == 0).any()) and bool((x != 0).any()) else outputs


class NarrowOnZeros(Net):
    def forward(self, x: Tensor) -> Tensor:
        outputs = self.classify(x)
        return outputs[:, :2] if bool((x == 0).all()) else outputs


class DividesByMinimum(Net):
    """Masked inputs have zeros, so that their outputs are infinite."""

    def forward(self, x: Tensor) -> Tensor:
        sizes = x.abs().flatten(1)
        lowest = torch.where(sizes.amax(1) == 0, torch.ones(x.size(0)), sizes.amin(1))
        return self.classify(x) / lowest[:, None]


def altered(change, network=None):
    network = network or Net()
    with torch.no_grad():
        change(network)
    return network


def nan_weight(network):
    network.features[2].weight[0, 0, 0, 0] = float("nan")


def nan_bias(network):
    network.head.bias[1] = float("nan")


def no_features(network):
    network.features[2].weight.zero_()
    network.features[2].bias.fill_(0.5)


def deaf_head(network):
    network.head.weight.zero_()


def loud_head(network):
    network.head.weight *= 1e30


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """saved(network): its file."""
    folder = tmp_path_factory.mktemp("odd")

    def save(network):
        path = folder / f"{len(list(folder.iterdir()))}.pt"
        torch.jit.script(network.eval()).save(str(path))
        return path

    return save


@pytest.fixture(scope="module")
def run(program, saved, tmp_path_factory):
    """run(network, methods, **options): the completed process of an explanation of the last
    class."""
    inputs = tmp_path_factory.mktemp("input") / "input.npy"
    np.save(inputs, INPUT)

    def call(network, methods, flags=(), **options):
        settings = [f"{name}={value}" for name, value in ({"samples": 2} | options).items()]
        return program.run(
            "explain",
            saved(network),
            "--tensor",
            inputs,
            "-m",
            ",".join(methods),
            "-c",
            CLASSES - 1,
            "--json",
            *flags,
            *[word for text in settings for word in ("--set", text)],
        )

    return call


NO_NOISE = {"sigma": 0}  # which would leave no zeros in masked inputs

REFUSED = {
    "several inputs": (
        TwoInputs,
        METHODS,
        {},
        "further inputs, which are to be given: scale (a tensor)",
    ),
    "no tensor": (NoTensor, METHODS, {}, "without a tensor: no classifier"),
    "no positions": (NoPositions, METHODS, {}, "has neither a feature map"),
    "raises": (Raises, METHODS, {}, "twenty-four rows are too many"),
    "raises when masked": (RaisesWhenMasked, SCORING_METHODS, NO_NOISE, "the input is masked"),
    "narrow when masked": (
        NarrowWhenMasked,
        SCORING_METHODS,
        NO_NOISE,
        "the network has 2 outputs now, where 5 or more are explained",
    ),
    "narrow on zeros": (
        NarrowOnZeros,
        ["score-cam"],
        {"channel_softmax": "off"},
        "the network has 2 outputs for a constant input, and 5 for the input itself",
    ),
    "infinite when masked": (DividesByMinimum, SCORING_METHODS, NO_NOISE, "is not finite"),
    "NaN weight": (
        lambda: altered(nan_weight),
        METHODS,
        {},
        "NaN or infinity among its activations",
    ),
    "NaN bias": (lambda: altered(nan_bias), METHODS, {}, "output 1 is NaN or infinity"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_each_is_refused_with_a_message_of_its_own(run, name):
    make, methods, options, message = REFUSED[name]
    for method in methods:
        done = run(make(), [method], **options)
        assert done.returncode == 1 and not done.stdout, method
        assert message in done.stderr and done.stderr.count("\n") == 1 and len(done.stderr) < 400, (
            method,
            done.stderr,
        )


@pytest.mark.parametrize("make", [RaisesWhenMasked, DividesByMinimum])
def test_methods_that_mask_nothing_do_not_mind(run, make):
    assert run(make(), [*GRADIENT_METHODS, "ablation-cam"]).returncode == 0


@pytest.mark.parametrize("make", [RaisesInBatches, WiderInBatches])
def test_networks_for_one_image_are_scored_one_by_one(run, make, tmp_path):
    maps = []
    for network, batch_size in ((make(), 1), (Net(), 4)):
        done = run(network, ["score-cam"], flags=["--npy", tmp_path / "map.npy"], calibrate="off")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        maps.append(np.load(report["outputs"]["npy"]))
        assert report["diagnostics"]["batch_size"] == batch_size
    assert np.abs(maps[0] - maps[1]).max() < 1e-4


def reports_of(run, network, methods, flags=()):
    done = run(network, methods, flags)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_flat_channels_give_flat_maps(run):
    methods = [method for method in METHODS if method not in GRADIENT_METHODS]
    for report in reports_of(run, altered(no_features), methods):
        assert report["flat"], report["method"]


def test_zero_gradients_give_flat_maps(run):
    for report in reports_of(run, altered(deaf_head), [*GRADIENT_METHODS, "ablation-cam"]):
        assert report["flat"] == (report["method"] != "eigen-cam"), report["method"]


def test_huge_outputs_are_no_overflow(run):
    for report in reports_of(run, altered(loud_head), METHODS):
        assert abs(report["logit"]) > 1e27
        assert report["probability"] in (0, 1)


@pytest.mark.parametrize("channels, layer", [(1, "features"), (6, "pooled")])
def test_one_channel_and_one_pixel(run, channels, layer):
    """A single channel gives a map, a single position a constant one."""

    class Pooled(Net):
        def __init__(self):
            super().__init__(channels)
            self.pooled = nn.AdaptiveAvgPool2d(1)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.pooled(self.features(x)).flatten(1))

    with torch.no_grad():
        network = Pooled()
        network.head.weight.abs_()
    for report in reports_of(run, network, METHODS, ["-l", layer]):
        assert report["flat"] == (layer == "pooled"), report["method"]

"""Sound, [N,C,W], and video, [N,C,D,H,W], by the program against the oracle, and its messages."""

import functools
import json

import numpy as np
import pytest
import torch
from torch import nn

from cams import GRADIENT_METHODS, SCORING_METHODS, Options, explain_composed
from oracle_networks import Network
from test_methods import compare

CLASS = 2


class Convolutions(nn.Module):
    """Two convolutions of any number of dimensions, with a constant channel and one that
    repeats another."""

    def __init__(self, convolution, channels, strides):
        super().__init__()
        self.features = nn.Sequential(
            convolution(channels, 6, 3, stride=strides[0], padding=1),
            nn.ReLU(),
            convolution(6, 7, 3, stride=strides[1], padding=1),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Linear(7, 4)
        with torch.no_grad():
            for layer in (self.features[0], self.features[2], self.classifier):
                nn.init.kaiming_normal_(layer.weight)
            self.classifier.weight *= 3
            last = self.features[2]
            last.weight[3], last.bias[3] = 0, 0.5
            last.weight[5], last.bias[5] = last.weight[1], last.bias[1]

    def forward(self, x):
        return self.classifier(self.features(x).flatten(2).mean(2))


def sound():
    torch.manual_seed(2)
    return Convolutions(nn.Conv1d, 1, (4, 3))


def video():
    torch.manual_seed(4)
    return Convolutions(nn.Conv3d, 3, ((1, 2, 2), 2))


def tones(count):
    """Sounds of a second at 1 kHz: a tone that comes and goes, under another, and noise."""
    time = np.arange(1000) / 1000
    rng = np.random.default_rng(8)
    return np.float32(
        [
            [
                np.sin(2 * np.pi * rng.uniform(30, 200) * time)
                * np.exp(-40 * (time - rng.uniform()) ** 2)
                + 0.4 * np.sin(2 * np.pi * 50 * time)
                + 0.1 * rng.standard_normal(1000)
            ]
            for _ in range(count)
        ]
    )


def clips(count):
    """Six frames of 20 x 26 in which a blob moves."""
    rng = np.random.default_rng(9)
    frame, row, column = np.mgrid[:6, :20, :26]
    moving = [
        np.exp(-((row - 3 - 2 * frame) ** 2 + (column - rng.uniform(0, 26)) ** 2) / 12)
        for _ in range(3 * count)
    ]
    return np.float32(
        np.reshape(moving, (count, 3, 6, 20, 26)) * 3
        + 0.2 * rng.standard_normal((count, 3, 6, 20, 26))
    )


KINDS = {"sound": (sound, tones), "video": (video, clips)}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """path(kind, form): a network's file."""
    folder = tmp_path_factory.mktemp("ranks")

    @functools.cache
    def make(kind, form):
        network, inputs = KINDS[kind]
        module = network().eval()
        module = (
            torch.jit.script(module)
            if form == "scripted"
            else torch.jit.trace(module, torch.tensor(inputs(1)))
        )
        module.save(str(folder / f"{kind}-{form}.pt"))
        return folder / f"{kind}-{form}.pt"

    return make


def eager(kind, layer="features"):
    return Network(KINDS[kind][0](), layer, "classifier", double=True)


@pytest.mark.parametrize("form", ["scripted", "traced"])
def test_gradient_methods(program, differences, path, kind, form):
    compare(
        program,
        differences,
        path(kind, form),
        eager(kind),
        KINDS[kind][1](2),
        CLASS,
        ("cam", *GRADIENT_METHODS, "ablation-cam"),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"samples": 3},
        {
            "samples": 2,
            "sigma": 0.5,
            "noise_target": "input",
            "noise_scale": "range",
            "channel_softmax": "off",
        },
        {"samples": 2, "noise_target": "activation", "sigma": 0.5, "combine": "upsampled"},
        {
            "samples": 2,
            "normalise": "before_upsample",
            "align_corners": "on",
            "flat_channels": "score",
        },
        {"samples": 2, "max_channels": 3, "eigen_smooth": "on"},
    ],
    ids=str,
)
def test_scoring_methods(program, differences, path, kind, options):
    compare(
        program,
        differences,
        path(kind, "scripted"),
        eager(kind),
        KINDS[kind][1](2),
        CLASS,
        SCORING_METHODS,
        **options,
    )


def test_noise_of_a_clip_is_that_of_its_places_in_order(program, differences, path):
    """q runs over D x H x W, and over C x D x H x W with noise on the input: samples of one
    draw."""
    for target in ("mask", "input"):
        compare(
            program,
            differences,
            path("video", "scripted"),
            eager("video"),
            clips(1),
            CLASS,
            ["ss-cam-max"],
            samples=1,
            sigma=1.0,
            noise_target=target,
            seed=77,
        )


@pytest.mark.parametrize("options", [{"aug_smooth": "on"}, {"fusion": "mean"}], ids=str)
def test_composed_maps(program, differences, path, kind, options):
    layers = ["features.1", "features"] if "fusion" in options else ["features"]
    inputs = KINDS[kind][1](1)
    networks = [eager(kind, layer) for layer in layers]
    (found,) = program.explain_composed(
        path(kind, "scripted"), inputs, "grad-cam", ",".join(layers), CLASS, **options
    )
    expected = explain_composed("grad-cam", inputs[0], networks, CLASS, Options(**options))
    differences("composed map", np.abs(found.data - expected).max(), 2e-3)


@pytest.mark.parametrize("form", ["scripted", "traced"])
def test_layers(program, path, kind, form):
    shape = KINDS[kind][1](1).shape[1:]
    with torch.no_grad():
        wanted = KINDS[kind][0]().features(torch.tensor(KINDS[kind][1](1))).shape
    done = program.run("layers", path(kind, form), "--input", "x".join(map(str, shape)), "--json")
    assert done.returncode == 0, done.stderr
    (default,) = (layer for layer in json.loads(done.stdout) if layer["default"])
    assert default["shape"] == list(wanted)
    if form == "scripted":
        assert default["name"] == "features"


def test_what_the_program_says(program, path, kind, tmp_path):
    array = KINDS[kind][1](1)[0]
    np.save(tmp_path / "bare.npy", array)
    dimensions = array.ndim - 1
    explain = (
        "explain",
        path(kind, "scripted"),
        "--tensor",
        tmp_path / "bare.npy",
        "-m",
        "grad-cam",
        "--dimensions",
        dimensions,
    )
    done = program.run(*explain, "--npy", tmp_path / "map.npy", "--json")
    assert done.returncode == 0, done.stderr
    report, found = json.loads(done.stdout), np.load(tmp_path / "map.npy")
    assert found.shape == array.shape[1:] and report["width"] == array.shape[-1]
    assert report.get("depth") == (6 if kind == "video" else None)
    best = np.unravel_index(found.argmax(), found.shape)[::-1]
    sentence = program.run(*explain).stdout
    place = ", ".join(f"{axis} {at}" for axis, at in zip("xyz", best))
    assert f"maximum at {place} of {'x'.join(map(str, found.shape[::-1]))}" in sentence
    refused = program.run(*explain, "--heatmap", tmp_path / "heat.png")
    assert (
        refused.returncode == 2
        and "is an image" in refused.stderr
        and not (tmp_path / "heat.png").exists()
    )


def test_images_are_no_input_of_theirs(program, path, kind, tmp_path):
    np.save(tmp_path / "image.npy", np.zeros((1, 3, 20, 26), np.float32))
    done = program.run(
        "explain", path(kind, "scripted"), "--tensor", tmp_path / "image.npy", "-m", "grad-cam"
    )
    reason = {
        "sound": "it has 4 dimensions; the network takes the axes nct",
        "video": "failed on an input of shape [1, 1, 3, 20, 26]",  # [C,D,H,W] of one channel
    }
    assert done.returncode == 1 and reason[kind] in done.stderr

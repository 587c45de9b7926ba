"""The methods that were added to the first fifteen, and targets that are weighted sums of outputs,
against float64 NumPy and eager PyTorch on tiny networks.

Written from docs/methods.md and the publications that it names, not from the C library.
"""

import numpy as np
import pytest
import torch
from torch import nn

from cams import normalised, upsample
from dividing_rectangles import direct_points
from oracle_networks import Network, random_input, tiny
from random_masks import random_masks, words
from whole_network import full_gradients, opti_cam, psi

SIZE = (40, 56)
CLASS = 3
LAYER = "features"


class Curved(nn.Module):
    """A network whose head is not piecewise linear, so that there are second derivatives."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(11)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 5, 4, 2), nn.ReLU(), nn.Conv2d(8, 6, 3, 2, 1), nn.Sigmoid()
        )
        self.head = nn.Sequential(nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, 5))

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("more")
    torch.jit.script(tiny().eval()).save(str(folder / "tiny.pt"))
    torch.jit.script(Curved().eval()).save(str(folder / "curved.pt"))
    return {"tiny": folder / "tiny.pt", "curved": folder / "curved.pt"}


def networks(kind):
    module = tiny() if kind == "tiny" else Curved()
    return Network(module, LAYER, double=True)


def raw_of(program, path, image, method, class_index=CLASS, **options):
    """The raw map and the map of one method."""
    shown = program.explain_composed(path, image, method, LAYER, class_index, **options)
    return shown[0]


def assert_map(shown, before_relu, tolerance=1e-4):
    """raw = ReLU, data = s(U(raw)); before_relu is at the layer's size."""
    raw = np.maximum(before_relu, 0)
    assert np.abs(shown.raw - raw).max() <= tolerance * max(np.abs(raw).max(), 1e-12)
    data = normalised(upsample(raw, SIZE)) if raw.shape != SIZE else normalised(raw)
    assert np.abs(shown.data - data).max() <= 2e-3


def with_activations(network, image, alter):
    """Logits where the layer's output [1,K,h,w] is altered."""
    hook = network.module.get_submodule(network.layer).register_forward_hook(
        lambda _module, _inputs, output: alter(output)
    )
    try:
        return network.forward(image[None])[0]
    finally:
        hook.remove()


def softmax(values):
    powers = np.exp(values - values.max())
    return powers / powers.sum()


# ------------------------------------------------------------------------------ activations


def test_random_cam(program, paths):
    image = random_input((1, 3, *SIZE))
    activations = networks("tiny").capture(image[0], CLASS).activations
    for seed in (0, 5):
        weights = 2 * (words(seed, 0, 0, 0, len(activations)) + 0.5) * 2.0**-32 - 1
        shown = raw_of(program, paths["tiny"], image, "random-cam", seed=seed)
        assert_map(shown, np.tensordot(weights, activations, 1))


def test_fem(program, paths):
    """Fuad et al. 2020: channels' means where they exceed mean + 2 deviations."""
    image = random_input((1, 3, *SIZE))
    activations = networks("tiny").capture(image[0], CLASS).activations
    mean = activations.mean((1, 2), keepdims=True)
    deviation = activations.std((1, 2), keepdims=True)
    strong = activations > mean + 2 * deviation
    assert strong.any()
    assert_map(raw_of(program, paths["tiny"], image, "fem"), (mean * strong).sum(0))


def test_kpca_cam(program, paths):
    """Karmani et al. 2024 with scikit-learn's sigmoid kernel: gamma 1/K, coef0 1."""
    image = random_input((1, 3, *SIZE))
    activations = networks("tiny").capture(image[0], CLASS).activations
    points = activations.reshape(len(activations), -1).T
    points = points - points.mean(0)
    kernel = np.tanh(points @ points.T / points.shape[1] + 1)
    center = np.eye(len(kernel)) - 1 / len(kernel)
    values, vectors = np.linalg.eigh(center @ kernel @ center)
    assert values[-2] < 0.9 * values[-1]
    component = np.sqrt(values[-1]) * vectors[:, -1]
    component *= np.sign(component @ points.sum(1))
    assert_map(
        raw_of(program, paths["tiny"], image, "kpca-cam"), component.reshape(activations.shape[1:])
    )


@pytest.mark.parametrize("layer", ["features.0", LAYER])
def test_activation_map(program, paths, layer):
    """OpenVINO XAI's ActivationMap: the mean over channels, scaled to [0, 1]; before a ReLU, too,
    where means are negative."""
    image = random_input((1, 3, *SIZE))
    mean = Network(tiny(), layer, double=True).capture(image[0], CLASS).activations.mean(0)
    assert (mean.min() < 0) == (layer != LAYER)
    shown = program.explain_composed(paths["tiny"], image, "activation-map", layer, CLASS)[0]
    assert_map(shown, mean - mean.min())
    assert np.abs(shown.data - normalised(upsample(mean, SIZE))).max() < 1e-5


# ------------------------------------------------------------------------------ second derivatives


def shapley_weights(module, image, class_index):
    """mean over positions of g - H A / 2, by autograd in float64."""
    features = module.features(torch.from_numpy(image[None]).double()).detach().requires_grad_()
    logit = module.head(features.mean((2, 3)))[0, class_index]
    (gradient,) = torch.autograd.grad(logit, features, create_graph=True)
    (product,) = torch.autograd.grad(gradient, features, features.detach())
    assert product.abs().max() > 1e-4 * gradient.abs().max()
    weights = (gradient.detach() - 0.5 * product).mean((0, 2, 3)).numpy()
    return weights, features.detach().numpy()[0]


def test_shapley_cam(program, paths):
    image = random_input((1, 3, *SIZE))
    weights, activations = shapley_weights(Curved().double(), image[0], CLASS)
    shown = program.explain(paths["curved"], image, ["shapley-cam"], LAYER, CLASS)["shapley-cam"][0]
    assert np.abs(shown.weights - weights).max() <= 1e-4 * np.abs(weights).max()
    assert_map(shown, np.tensordot(weights, activations, 1), 1e-3)


def test_shapley_cam_is_grad_cam_where_the_head_is_linear(program, paths):
    image = random_input((1, 3, *SIZE))
    shown = program.explain(paths["tiny"], image, ["shapley-cam", "grad-cam"], LAYER, CLASS)
    np.testing.assert_allclose(
        shown["shapley-cam"][0].weights, shown["grad-cam"][0].weights, rtol=1e-5, atol=1e-9
    )


# ------------------------------------------------------------------------------ positions


@pytest.mark.parametrize("method", ["recipro-cam", "vit-recipro-cam"])
@pytest.mark.parametrize("score", ["logit", "probability"])
def test_recipro_cam(program, paths, method, score):
    """Byun & Lee 2022, 2023: the score of each position alone, or under a Gaussian of 3 x 3."""
    image = random_input((1, 3, *SIZE))
    network = networks("curved")
    shape = network.capture(image[0], CLASS).activations.shape[1:]
    scores = np.zeros(shape)
    for y, x in np.ndindex(shape):
        mask = np.zeros(shape)
        if method == "recipro-cam":
            mask[y, x] = 1
        else:
            rows = np.maximum(0, 0.5 - 0.25 * np.abs(np.arange(shape[0]) - y))
            columns = np.maximum(0, 0.5 - 0.25 * np.abs(np.arange(shape[1]) - x))
            mask = np.outer(rows, columns)
        logits = with_activations(network, image[0], lambda a, m=mask: a * torch.from_numpy(m))
        scores[y, x] = logits[CLASS] if score == "logit" else softmax(logits)[CLASS]
    shown = raw_of(program, paths["curved"], image, method, score=score)
    assert_map(shown, scores - scores.min(), 1e-3)


# ------------------------------------------------------------------------------ masks


def gaussian_blur(image):
    """A Gaussian of deviation 50 in 51 x 51, the border reflected without repeating the edge."""
    steps = np.arange(-25, 26)
    taps = np.exp(-0.5 * steps**2 / 50**2)
    taps /= taps.sum()
    for axis in (1, 2):
        padded = np.pad(image, [(25, 25) if a == axis else (0, 0) for a in range(3)], "reflect")
        image = sum(
            tap * np.take(padded, range(i, i + image.shape[axis]), axis)
            for i, tap in enumerate(taps)
        )
    return image


@pytest.mark.parametrize("options", [{}, {"groups": 3}, {"groups": 100, "group_percentile": 50}])
def test_group_cam(program, paths, options):
    """Zhang, Rao & Yang 2021, by the published code."""
    image = random_input((1, 3, *SIZE))
    network = networks("tiny")
    capture = network.capture(image[0], CLASS)
    weighted = capture.gradients.mean((1, 2), keepdims=True) * capture.activations
    size = -(-len(weighted) // min(options.get("groups", 32), len(weighted)))
    blurred = gaussian_blur(np.float64(image[0]))
    baseline = softmax(network.forward(blurred[None])[0])[CLASS]
    total = np.zeros(SIZE)
    for first in range(0, len(weighted), size):
        mask = np.maximum(weighted[first : first + size].sum(0), 0)
        mask = np.where(mask > np.percentile(mask, options.get("group_percentile", 70)), mask, 0)
        if mask.max() == 0:
            continue
        mask = normalised(upsample(mask, SIZE))
        masked = image[0] * mask + blurred * (1 - mask)
        total += (softmax(network.forward(masked[None])[0])[CLASS] - baseline) * mask
    shown = raw_of(program, paths["tiny"], image, "group-cam", combine="upsampled", **options)
    assert_map(shown, total, 5e-3)


@pytest.mark.parametrize(
    "options", [{}, {"score": "logit"}, {"mask_cells": 5, "mask_probability": 0.3, "seed": 9}]
)
def test_rise(program, paths, options):
    """Petsiuk et al. 2018, eq. 6; masks beyond those of one part, too."""
    image = random_input((1, 3, *SIZE))
    network = networks("tiny")
    probability = options.get("mask_probability", 0.5)
    count, total = 600, np.zeros(SIZE)
    for mask in random_masks(
        SIZE, count, options.get("mask_cells", 7), probability, options.get("seed", 0)
    ):
        logits = network.forward((image[0] * mask)[None])[0]
        score = logits[CLASS] if options.get("score") == "logit" else softmax(logits)[CLASS]
        total += score * mask / (count * probability)
    shown = program.explain_composed(
        paths["tiny"], image, "rise", "", CLASS, samples=count, **options
    )[0]
    assert shown.report["passes"] == count + 1
    assert_map(shown, total - total.min(), 2e-3)


def gaussian_mask(point, width):
    """OpenVINO XAI's mask: coordinates are 0 at the first pixel, 1 at the last; the peak is 1."""
    x, y = np.meshgrid(np.linspace(0, 1, SIZE[1]), np.linspace(0, 1, SIZE[0]))
    mask = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * width**2))
    return mask / mask.max()


@pytest.mark.parametrize(
    "options",
    [{}, {"score": "logit", "samples": 30}, {"kernel_widths": "0.3", "samples": 85}],
)
def test_aise(program, paths, options):
    """OpenVINO XAI's AISE: differences of the scores within and beyond masks that DIRECT places."""
    image = random_input((1, 3, *SIZE))
    network = networks("curved")
    samples = options.get("samples", 50)
    widths = [float(width) for width in options.get("kernel_widths", "0.1,0.175,0.25").split(",")]

    def score(masked):
        logits = network.forward(masked[None])[0]
        return logits[CLASS] if options.get("score") == "logit" else softmax(logits)[CLASS]

    total = np.zeros(SIZE)
    for width in widths:
        masks, differences = [], []

        def loss(point):
            masks.append(gaussian_mask(point, width))  # noqa: B023
            within, beyond = image[0] * masks[-1], image[0] * (1 - masks[-1])  # noqa: B023
            differences.append(score(within) - score(beyond))  # noqa: B023
            return -differences[-1]  # noqa: B023

        direct_points(loss, 2, samples)
        one = sum(d * mask for d, mask in zip(differences[:samples], masks[:samples]))
        total += one / one.max() if one.max() > 0 else one
    shown = program.explain_composed(paths["curved"], image, "aise", "", CLASS, **options)[0]
    assert shown.report["passes"] == 1 + 2 * samples * len(widths)
    assert_map(shown, total - total.min(), 2e-3)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_direct_is_that_of_scipy(dimensions):
    """The points by the definition, which the library follows, are those that SciPy evaluates."""
    optimize = pytest.importorskip("scipy.optimize")
    generator = np.random.default_rng(dimensions)
    for _ in range(20):
        centers, signs = generator.random((4, dimensions)), generator.uniform(-1, 1, 4)
        widths, points = generator.uniform(0.05, 0.3, 4), []

        def function(point):
            points.append(np.array(point))  # noqa: B023
            distances = ((point - centers) ** 2).sum(1)  # noqa: B023
            return float((signs * np.exp(-distances / (2 * widths**2))).sum())  # noqa: B023

        optimize.direct(function, [(0, 1)] * dimensions, eps=0.1, maxfun=85, locally_biased=False)
        theirs = np.array(points[:85])
        assert np.abs(theirs - direct_points(function, dimensions, 85)).max() < 1e-12


def test_fusion_by_product(program, paths):
    """RefineCAM: the product of the layers' maps, each in [0,1]."""
    image = random_input((1, 3, *SIZE))
    layers = ("features.2", "features")
    product = np.ones(SIZE)
    for layer in layers:
        product *= program.explain_composed(paths["tiny"], image, "grad-cam", layer, CLASS)[0].data
    shown = program.explain_composed(
        paths["tiny"], image, "grad-cam", ",".join(layers), CLASS, fusion="product"
    )[0]
    assert np.abs(shown.raw - product).max() < 1e-6
    assert np.abs(shown.data - normalised(product)).max() < 1e-6


def test_share_of_channels(program, paths):
    image = random_input((1, 3, *SIZE))
    whole = program.explain(paths["tiny"], image, ["score-cam"], LAYER, CLASS)["score-cam"][0]
    count = len(whole.weights)
    wanted = -(-count * 3 // 10)
    for method in ("score-cam", "ablation-cam"):
        by_share, by_count = (
            program.explain(paths["tiny"], image, [method], LAYER, CLASS, **options)[method][0]
            for options in (
                {"calibrate": "off", "channel_share": 0.3},
                {"calibrate": "off", "max_channels": wanted},
            )
        )
        np.testing.assert_array_equal(by_share.weights, by_count.weights)
        assert (by_share.weights != 0).sum() <= wanted < count


# ------------------------------------------------------------------------------ targets


def grad_cam_of(network, image, value):
    """Grad-CAM's weights of value(logits), by autograd."""
    leaves = []

    def cut(_module, _inputs, output):
        leaves.append(output.detach().clone().requires_grad_())
        return leaves[-1]

    hook = network.module.get_submodule(network.layer).register_forward_hook(cut)
    try:
        logits = network.module(torch.from_numpy(image[None]).double())[0]
    finally:
        hook.remove()
    (gradient,) = torch.autograd.grad(value(logits), leaves[-1])
    return gradient.mean((0, 2, 3)).numpy()


def target_value(target, weights):
    if target == "cosine":
        return lambda logits: torch.cosine_similarity(logits, weights, 0)
    return lambda logits: logits @ weights


@pytest.mark.parametrize("target", ["weights", "cosine"])
def test_weighted_targets(program, paths, tmp_path, target):
    """Gradients, masked inputs and ablations, all of the same weighted sum or cosine."""
    image = random_input((1, 3, *SIZE))
    network = networks("curved")
    weights = np.array([0.5, -1.0, 0.0, 2.0, 0.25], np.float32)
    np.save(tmp_path / "weights.npy", weights)
    value = target_value(target, torch.from_numpy(weights).double())
    shown = program.explain(
        paths["curved"],
        image,
        ["grad-cam", "score-cam", "ablation-cam"],
        LAYER,
        None,
        flags=["--target-weights", tmp_path / "weights.npy", "--target", target],
        channel_softmax="off",
        baseline="none",
    )
    expected = grad_cam_of(network, image[0], value)
    assert np.abs(shown["grad-cam"][0].weights - expected).max() <= 1e-4 * np.abs(expected).max()

    activations = network.capture(image[0], 0).activations
    for k, channel in enumerate(activations):
        logits = network.forward((image[0] * normalised(upsample(channel, SIZE)))[None])[0]
        assert abs(shown["score-cam"][0].weights[k] - value(torch.from_numpy(logits))) < 1e-4
    whole = value(torch.from_numpy(network.forward(image)[0])).item()
    for k in range(len(activations)):
        rest = value(torch.from_numpy(network.without_channel(image[0], k))).item()
        assert abs(shown["ablation-cam"][0].weights[k] - (whole - rest) / abs(whole)) < 1e-3


@pytest.mark.parametrize("count, gamma", [(1, 0.6), (3, 1.0), (3, 0.6)])
def test_finer_cam(program, paths, count, gamma):
    """y_c minus gamma times the mean of the `count` highest other outputs."""
    image = random_input((1, 3, *SIZE))
    network = networks("curved")
    logits = network.forward(image)[0]
    others = [c for c in np.argsort(-logits, kind="stable") if c != CLASS][:count]
    weights = torch.zeros(len(logits), dtype=torch.float64)
    weights[CLASS] = 1
    weights[others] -= gamma / count
    expected = grad_cam_of(network, image[0], lambda y: y @ weights)
    shown = program.explain(
        paths["curved"],
        image,
        ["grad-cam", "score-cam"],
        LAYER,
        CLASS,
        target="difference",
        contrast_count=count,
        contrast_weight=gamma,
        channel_softmax="off",
        baseline="none",
    )
    assert np.abs(shown["grad-cam"][0].weights - expected).max() <= 1e-4 * np.abs(expected).max()
    channel = network.capture(image[0], CLASS).activations[0]
    masked = network.forward((image[0] * normalised(upsample(channel, SIZE)))[None])[0]
    assert abs(shown["score-cam"][0].weights[0] - weights.numpy() @ masked) < 1e-4


def test_unusable_target_weights_are_refused(program, paths, tmp_path):
    image = random_input((1, 3, *SIZE))
    np.save(tmp_path / "input.npy", image)
    cases = {
        "four": (np.ones(4, np.float32), "4 of them, but the network has 5 outputs"),
        "zero": (np.zeros(5, np.float32), "all 5 weights are 0"),
        "nan": (np.array([1, 2, np.nan, 4, 5], np.float32), "weight 2 is nan"),
        "plane": (np.ones((2, 5), np.float32), "2 dimensions"),
    }
    for name, (weights, message) in cases.items():
        np.save(tmp_path / f"{name}.npy", weights)
        done = program.run(
            "explain",
            paths["curved"],
            "--tensor",
            tmp_path / "input.npy",
            "--target-weights",
            tmp_path / f"{name}.npy",
        )
        assert done.returncode != 0 and message in done.stderr, done.stderr
    done = program.run(
        "explain", paths["curved"], "--tensor", tmp_path / "input.npy", "--target", "weights"
    )
    assert done.returncode != 0 and "no weights were given" in done.stderr


# ------------------------------------------------------------------------------ backpropagation


class Normed(nn.Module):
    """Piecewise linear, with biases of convolutions and batch norms, and ReLUs in place."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.plain = nn.Conv2d(8, 8, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.features = nn.Sequential(nn.Conv2d(8, 6, 3, 2, 1), nn.ReLU(inplace=True))
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(6, 5)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(self.norm.weight, 0.5, 2)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        x = self.relu(self.stem(x))
        x = self.relu(self.norm(self.plain(x)) + x)
        return self.head(self.features(x).mean((2, 3)))


@pytest.fixture(scope="module")
def normed(tmp_path_factory):
    """The network in float64, and its scripted and its traced file."""
    folder = tmp_path_factory.mktemp("normed")
    network = Normed().eval()
    torch.jit.script(network).save(str(folder / "scripted.pt"))
    torch.jit.trace(network, torch.zeros(1, 3, *SIZE)).save(str(folder / "traced.pt"))
    return network.double(), folder


@pytest.mark.parametrize("file", ["scripted", "traced"])
@pytest.mark.parametrize(
    "preset, rescale, aligned",
    [
        ("paper", "channel", False),
        ("authors-code", "layer", True),
        ("pytorch-grad-cam", "channel_epsilon", False),
    ],
)
def test_full_grad(program, normed, file, preset, rescale, aligned):
    """Srinivas & Fleuret 2019, eq. 7; the published code; pytorch-grad-cam."""
    network, folder = normed
    image = random_input((1, 3, *SIZE))
    parts, value = full_gradients(network, image, lambda leaf: network(leaf)[0, CLASS])
    complete = sum(part.sum() for part in parts) + network.head.bias[CLASS].item()
    assert abs(complete - value) <= 1e-9 * max(abs(value), 1)  # nothing is left out
    wanted = sum(psi(part, SIZE, rescale, aligned) for part in parts)
    shown = program.explain_composed(
        folder / f"{file}.pt", image, "full-grad", "", CLASS, preset=preset
    )[0]
    assert shown.report["layer"] == ""
    assert_map(shown, wanted)


@pytest.mark.parametrize("options", [{}, {"iterations": 1}, {"learning_rate": 0.5}])
def test_opti_cam(program, normed, options):
    """Zhang et al. 2023, by autograd and PyTorch's Adam."""
    network, folder = normed
    image = random_input((1, 3, *SIZE))
    inputs = torch.from_numpy(np.float64(image))
    seen = []
    hook = network.features.register_forward_hook(lambda *given: seen.append(given[2].detach()))
    network(inputs)
    hook.remove()
    iterations = options.get("iterations", 20)
    heat = opti_cam(
        seen[0][0],
        inputs,
        lambda masked: network(masked)[0, CLASS],
        iterations,
        options.get("learning_rate", 0.1),
    )
    shown = program.explain_composed(
        folder / "scripted.pt",
        image,
        "opti-cam",
        LAYER,
        CLASS,
        **{"iterations": iterations, **options},
    )[0]
    assert shown.report["passes"] == iterations + 1
    assert np.abs(shown.data - heat).max() <= 2e-3

"""The oracle against other computations: PyTorch, brute force and known identities."""

import numpy as np
import pytest
import torch
from torch import nn

import cams
from cams import METHODS, SCORING_METHODS, Capture, MaskedScores, Options, explain, preset
from oracle_networks import Network, ScriptedNetwork, TinyNet, random_input, tiny

SIZE = (20, 28)
IMAGE = random_input((1, 3, *SIZE))[0]
CLASS = 2


@pytest.fixture(scope="module")
def network():
    return Network(tiny(), "features.2", "classifier", double=True)


@pytest.fixture(scope="module")
def capture(network):
    return network.capture(IMAGE, CLASS)


def weights(network, capture, method, **options):
    return explain(method, IMAGE, capture, network.forward, CLASS, Options(**options)).weights


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    "source, target",
    [
        ((7, 7), (224, 224)),
        ((5, 7), (64, 96)),
        ((1, 1), (4, 6)),
        ((1, 3), (1, 9)),
        ((6, 4), (3, 5)),
        ((13, 2), (13, 2)),
        ((7,), (60,)),
        ((2, 3, 4), (8, 9, 10)),
        ((1, 5, 3), (4, 5, 2)),
    ],
)
def test_upsampling_is_that_of_pytorch(source, target, align_corners):
    maps = np.random.default_rng(0).standard_normal((3, *source))
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(target)]
    theirs = nn.functional.interpolate(
        torch.from_numpy(maps)[None], target, mode=mode, align_corners=align_corners
    )[0].numpy()
    np.testing.assert_allclose(cams.upsample(maps, target, align_corners), theirs, atol=1e-12)


def test_normalising():
    mask = cams.normalised(np.array([[-1.0, 0.0], [1.0, 3.0]]))
    np.testing.assert_array_equal(mask, [[0, 0.25], [0.5, 1]])
    assert not cams.normalised(np.full((3, 3), 0.1)).any()


def test_capture_is_safe_from_the_in_place_relu(network, capture):
    module = tiny().double()
    convolved = module.features[:3](torch.from_numpy(IMAGE[None]).double()).detach()
    assert (capture.activations < 0).any()
    np.testing.assert_allclose(capture.activations, convolved[0].numpy(), atol=1e-12)
    # After the ReLU, pooling spreads the linear layer's weight over the positive positions.
    height, width = capture.activations.shape[1:]
    expected = (
        module.classifier.weight[CLASS].detach().numpy()[:, None, None]
        * (capture.activations > 0)
        / (height * width)
    )
    np.testing.assert_allclose(capture.gradients, expected, atol=1e-12)


def test_scripted_capture_is_the_eager_one(tmp_path):
    path = tmp_path / "tiny.pt"
    torch.jit.script(tiny().eval()).save(str(path))
    eager = Network(tiny(), "features", "classifier").capture(IMAGE, CLASS)
    scripted = ScriptedNetwork(path).capture(IMAGE, CLASS)
    for name in ("activations", "gradients", "logits", "fc_weights"):
        np.testing.assert_allclose(getattr(scripted, name), getattr(eager, name), atol=1e-6)


def test_grad_cam_is_cam_after_pooling(network):
    capture = Network(tiny(), "features", "classifier", double=True).capture(IMAGE, CLASS)
    cells = capture.activations[0].size
    np.testing.assert_allclose(
        cams.grad_cam_weights(capture) * cells, cams.cam_weights(capture, CLASS), rtol=1e-9
    )


def test_grad_cam_pp_from_the_derivatives_of_exp():
    """The paper's eq. 19 has second and third derivatives of exp(S): take them by autograd, cell by
    cell, for a tail of ReLU and linear layers, and divide exp(S) out of the weights."""
    torch.manual_seed(1)
    tail = nn.Sequential(nn.Flatten(0), nn.Linear(24, 6), nn.ReLU(), nn.Linear(6, 1)).double()
    activations = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    score = tail(activations)[0]
    (first,) = torch.autograd.grad(score.exp(), activations, create_graph=True)
    weights = np.zeros(2)
    for k, y, x in np.ndindex(activations.shape):
        second = torch.autograd.grad(first[k, y, x], activations, create_graph=True)[0][k, y, x]
        third = torch.autograd.grad(second, activations, retain_graph=True)[0][k, y, x]
        alpha = second / (2 * second + activations[k].sum() * third)
        weights[k] += float(alpha * torch.relu(first[k, y, x]) / score.exp())

    (gradients,) = torch.autograd.grad(score, activations)
    capture = Capture(activations.detach().numpy(), gradients.numpy(), None)
    assert (gradients > 0).any() and (gradients < 0).any()
    np.testing.assert_allclose(cams.grad_cam_pp_weights(capture), weights, rtol=1e-9)


def test_grad_cam_pp_has_no_weight_where_the_gradient_is_zero():
    capture = Capture(np.ones((2, 2, 2)), np.zeros((2, 2, 2)), None)
    assert not cams.grad_cam_pp_weights(capture).any()


def test_methods_that_weigh_places_agree_after_pooling(network):
    """Before pooling and one linear layer the gradient is the same everywhere in a channel."""
    capture = Network(tiny(), "features", "classifier", double=True).capture(IMAGE, CLASS)
    grad_cam = explain("grad-cam", IMAGE, capture, network.forward, CLASS).raw
    for method in ("hires-cam", "xgrad-cam"):
        np.testing.assert_allclose(
            explain(method, IMAGE, capture, network.forward, CLASS).raw, grad_cam, atol=1e-12
        )
    positive = Capture(capture.activations, np.abs(capture.gradients), capture.logits)
    grad_cam = explain("grad-cam", IMAGE, positive, network.forward, CLASS).raw
    for method in ("hires-cam", "layer-cam", "grad-cam-elementwise"):
        np.testing.assert_allclose(
            explain(method, IMAGE, positive, network.forward, CLASS).raw, grad_cam, atol=1e-12
        )


def test_smooth_grad_cam_pp_without_noise_is_grad_cam_pp():
    network = Network(tiny(curved_head=True), "features", double=True)
    capture = network.capture(IMAGE, CLASS)
    smooth = explain(
        "smooth-grad-cam++",
        IMAGE,
        capture,
        None,
        CLASS,
        Options(sigma=0, samples=2),
        network=network,
    )
    np.testing.assert_allclose(smooth.weights, cams.grad_cam_pp_weights(capture), rtol=1e-9)


def test_principal_projection_explains_the_most_variance():
    maps = np.random.default_rng(4).standard_normal((6, 5, 7)) * np.arange(1, 7)[:, None, None]
    centred = torch.from_numpy(maps.reshape(6, -1))
    centred = centred - centred.mean(dim=1, keepdim=True)
    projection = cams.principal_projection(maps)
    top = torch.linalg.eigvalsh(centred @ centred.T)[-1].item()
    assert (projection**2).sum() == pytest.approx(top)
    assert (projection * maps.sum(axis=0)).sum() > 0
    assert abs(projection.sum()) < 1e-9
    np.testing.assert_allclose(cams.principal_projection(-maps), -projection, atol=1e-9)


def test_one_step_of_is_cam_is_score_cam(network, capture):
    np.testing.assert_array_equal(
        weights(network, capture, "is-cam", samples=1), weights(network, capture, "score-cam")
    )
    assert not np.allclose(
        weights(network, capture, "is-cam", samples=2), weights(network, capture, "score-cam")
    )


def test_ablation_takes_a_channels_share_of_a_linear_head():
    network = Network(tiny(), "features", "classifier", double=True)
    capture = network.capture(IMAGE, CLASS)
    result = explain("ablation-cam", IMAGE, capture, None, CLASS, network=network)
    share = cams.cam_weights(capture, CLASS) * capture.activations.mean(axis=(1, 2))
    np.testing.assert_allclose(result.weights, share / abs(capture.logits[CLASS]), atol=1e-12)


def test_score_cam_in_plain_pytorch(network, capture):
    """Score-CAM written with torch alone."""
    maps = torch.from_numpy(capture.activations)
    image = torch.from_numpy(IMAGE).double()
    kept = [k for k in range(len(maps)) if k not in TinyNet.CONSTANT]
    masks = nn.functional.interpolate(maps[kept][None], SIZE, mode="bilinear")[0]
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    with torch.no_grad():
        logits = network.module(image * ((masks - low) / (high - low))[:, None])[:, CLASS]
    expected = np.zeros(len(maps))
    expected[kept] = torch.softmax(logits, 0).numpy()

    result = explain("score-cam", IMAGE, capture, network.forward, CLASS)
    np.testing.assert_allclose(result.weights, expected, rtol=1e-5)
    raw = torch.relu((torch.from_numpy(expected)[:, None, None] * maps).sum(0))
    np.testing.assert_allclose(result.raw, raw.numpy(), rtol=1e-5, atol=1e-9)


def test_channels_without_structure(network, capture):
    skipped = weights(network, capture, "score-cam")
    scored = weights(network, capture, "score-cam", flat_channels="score")
    flat = list(TinyNet.CONSTANT)
    assert not skipped[flat].any() and scored[flat].all()
    assert scored[flat[0]] == scored[flat[1]]
    assert np.isclose(skipped.sum(), 1) and np.isclose(scored.sum(), 1)
    ((twin, original),) = TinyNet.TWIN.items()
    assert skipped[twin] == skipped[original]


@pytest.mark.parametrize("baseline", ["none", "input", "black"])
def test_baseline_cancels_under_the_softmax(network, capture, baseline):
    np.testing.assert_allclose(
        weights(network, capture, "score-cam", baseline=baseline),
        weights(network, capture, "score-cam"),
        rtol=1e-9,
    )
    plain = weights(network, capture, "score-cam", channel_softmax="off")
    other = weights(network, capture, "score-cam", channel_softmax="off", baseline=baseline)
    scored = plain != 0
    assert np.ptp((other - plain)[scored]) < 1e-9 and abs((other - plain)[scored][0]) > 1e-3


@pytest.mark.parametrize("method", ["ss-cam-mean", "ss-cam-max"])
def test_no_noise_is_score_cam(network, capture, method):
    np.testing.assert_array_equal(
        weights(network, capture, method, sigma=0), weights(network, capture, "score-cam")
    )


def test_one_sample_fewer(network, capture):
    np.testing.assert_array_equal(
        weights(network, capture, "ss-cam-max", samples=4, sample_count="n_minus_1"),
        weights(network, capture, "ss-cam-max", samples=3),
    )
    np.testing.assert_array_equal(
        weights(network, capture, "ss-cam-max", samples=1, sample_count="n_minus_1"),
        weights(network, capture, "ss-cam-max", samples=1),
    )


def test_largest_sample_beats_the_mean(network, capture):
    options = {"channel_softmax": "off", "samples": 5}
    scored = [k for k in range(TinyNet.CHANNELS) if k not in TinyNet.CONSTANT]
    assert (
        weights(network, capture, "ss-cam-max", **options)[scored]
        > weights(network, capture, "ss-cam-mean", **options)[scored]
    ).all()


def test_negative_mask_weight_inverts_the_mask():
    """methods.md: s(U(w A)) is s(U(A)) for w > 0 and 1 - s(U(A)) for w < 0."""
    scores = MaskedScores(None, IMAGE, CLASS, Options())
    activation = np.random.default_rng(2).random((5, 7))
    np.testing.assert_allclose(scores.mask(3.5 * activation), scores.mask(activation), atol=1e-12)
    np.testing.assert_allclose(
        scores.mask(-0.2 * activation), 1 - scores.mask(activation), atol=1e-12
    )


def test_noise_scales():
    noised = np.array([[1.0, 5.0]])
    for scale, expected in [("absolute", 3), ("range", 12), ("authors-code", (3 / 4) ** 2)]:
        scores = MaskedScores(None, IMAGE, CLASS, Options(noise_scale=scale, sigma=3.0))
        assert scores.deviation(noised) == expected


@pytest.mark.parametrize("target, planes", [("mask", 1), ("activation", 1), ("input", 3)])
def test_noise_is_shared_by_the_colours_or_not(target, planes):
    """Divided by what it multiplies, the noise of a masked input is one plane or three."""
    image = np.ones_like(IMAGE)
    scores = MaskedScores(None, image, CLASS, Options(noise_target=target, sigma=1.0, samples=1))
    activation = np.random.default_rng(2).random((5, 7))
    (perturbed,) = scores.noisy_inputs(3, activation)
    before = scores.upsampled if target == "activation" else scores.mask
    plane = perturbed - before(activation)
    assert len({channel.tobytes() for channel in np.float32(plane)}) == planes
    assert abs(plane.std() - 1) < 0.1


def test_combining_after_upsampling_agrees_up_to_the_relu(network, capture):
    low, high = (
        explain("score-cam", IMAGE, capture, network.forward, CLASS, Options(combine=at))
        for at in ("low_resolution", "upsampled")
    )
    assert high.raw.shape == SIZE and low.raw.shape == capture.activations.shape[1:]
    if (np.tensordot(low.weights, capture.activations, 1) >= 0).all():
        np.testing.assert_allclose(high.data, low.data, atol=1e-9)
    positive = Capture(np.abs(capture.activations), capture.gradients, capture.logits)
    low, high = (
        explain("score-cam", IMAGE, positive, network.forward, CLASS, Options(combine=at))
        for at in ("low_resolution", "upsampled")
    )
    np.testing.assert_allclose(high.data, low.data, atol=1e-9)


def test_most_varied_channels(capture):
    activations = capture.activations
    ((twin, original),) = TinyNet.TWIN.items()
    deviations = activations.std(axis=(1, 2))
    rank = int((deviations > deviations[original] + 1e-12).sum())
    chosen = cams.chosen_channels(activations, rank + 1)
    assert original in chosen and twin not in chosen
    assert cams.chosen_channels(activations, 0) == list(range(TinyNet.CHANNELS))
    assert cams.chosen_channels(activations, 99) == list(range(TinyNet.CHANNELS))


def test_probability_of_one_output():
    assert cams.probabilities(np.array([0.0]), "softmax") == 0.5
    np.testing.assert_allclose(cams.probabilities(np.log([1.0, 3.0]), "softmax"), [0.25, 0.75])
    np.testing.assert_allclose(cams.probabilities(np.log([1.0, 3.0]), "sigmoid"), [0.5, 0.75])


@pytest.mark.parametrize(
    "name", ["paper", "algorithm-1", "authors-code", "torch-cam", "pytorch-grad-cam"]
)
def test_presets_explain(network, capture, name):
    for method in SCORING_METHODS:
        result = explain(method, IMAGE, capture, network.forward, CLASS, preset(name, method))
        assert np.isfinite(result.weights).all() and result.data.max() == 1


@pytest.mark.parametrize("method", METHODS)
def test_flat_map_is_zeros(network, method):
    """Constant activations: every method gives the constant map."""
    constant = Capture(np.ones((8, 5, 7)), np.ones((8, 5, 7)), np.ones(5), np.ones((5, 8)))

    class Unchanging:
        def capture(self, _image, _class_index):
            return constant

        def without_channel(self, _image, _channel):
            return constant.logits

    result = explain(method, IMAGE, constant, network.forward, CLASS, network=Unchanging())
    assert result.flat and not result.data.any()

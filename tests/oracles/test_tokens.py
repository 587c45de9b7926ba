"""Layers that give tokens, or maps with their channels last: every method against the oracle."""

import sys

import numpy as np
import pytest
import torch

from cams import METHODS, SCORING_METHODS, explain, explain_composed
from conftest import ROOT
from oracle_networks import ChannelsLast, Network, Tokens, random_input
from test_methods import assert_agrees, compare, oracle_options
from transformers import convnext_small, plain, plain_order, swin, vit

SQUARE, WIDE = (64, 64), (64, 96)
VIT_GRID = Tokens((4, 4), 1)
ALL_BUT_CAM = METHODS[1:]
# Methods that divide by sums of activations, which are near zero after layer norms.
STABLE = tuple(
    method
    for method in ALL_BUT_CAM
    if method not in ("grad-cam++", "smooth-grad-cam++", "xgrad-cam")
)

# constructor, layer (None: the default one, by its name), order, size, linear head, methods
CASES = {
    "vit": (vit, "encoder.layers.encoder_layer_2.ln_1", VIT_GRID, SQUARE, None, STABLE),
    "vit, inner": (vit, "encoder.layers.encoder_layer_0", VIT_GRID, SQUARE, None, ("grad-cam",)),
    "vit, patches": (vit, "conv_proj", None, SQUARE, None, ("grad-cam", "ablation-cam")),
    "swin": (swin, "norm", ChannelsLast(), WIDE, "head", ("cam", *STABLE)),
    "swin, inner": (swin, "features.1", ChannelsLast(), WIDE, None, ("grad-cam", "ablation-cam")),
    "convnext": (convnext_small, "features", None, WIDE, None, ALL_BUT_CAM),
    "convnext, inner": (
        convnext_small,
        "features.1.0.block.2",
        ChannelsLast(),
        WIDE,
        None,
        ("grad-cam", "ablation-cam", "score-cam"),
    ),
    "two tokens": (
        lambda: plain(extra=2),
        "blocks.1.norm",
        plain_order(WIDE, 2),
        WIDE,
        None,
        ("grad-cam", "hires-cam", "eigen-cam", "ablation-cam", "score-cam"),
    ),
    "five tokens, batch second": (
        lambda: plain(extra=5, batch_first=False),
        "blocks.0",
        plain_order(WIDE, 5, False),
        WIDE,
        None,
        ("grad-cam", "hires-cam", "eigen-cam", "ablation-cam", "score-cam"),
    ),
    "pooled tokens": (plain, "norm", plain_order(WIDE, 0), WIDE, "head", ("cam", "grad-cam")),
}


def export(network, form, size, path, colours=3):
    """A file in one of the forms; traced without gradients, PyTorch fuses attention."""
    if form == "traced without gradients":
        with torch.no_grad():
            return export(network, "traced", size, path, colours)
    example = torch.from_numpy(random_input((1, colours, *size), 3))
    if form == "traced":
        made = torch.jit.trace(network, example, check_trace=False)
    else:
        made = torch.jit.script(network)
    if form == "frozen":
        made = torch.jit.freeze(made, optimize_numerics=False)
    made.save(str(path))
    return path


@pytest.mark.parametrize("form", ["scripted", "traced"])
@pytest.mark.parametrize("case", CASES)
def test_methods(program, differences, tmp_path, case, form):
    build, layer, order, size, linear, methods = CASES[case]
    network = Network(build(), layer, linear, double=True, order=order)
    inputs = random_input((1, 3, *size))
    top = int(network.forward(inputs)[0].argmax())
    compare(
        program,
        differences,
        export(build(), form, size, tmp_path / "it.pt"),
        network,
        inputs,
        top,
        methods,
        samples=2,
        max_channels=10,
    )


# Without a name: scripted, frozen, and with attention fused by tracing.
@pytest.mark.parametrize("form", ["scripted", "traced", "frozen", "traced without gradients"])
@pytest.mark.parametrize(
    "case", ["vit", "swin", "convnext", "two tokens", "five tokens, batch second"]
)
def test_default_layers(program, differences, tmp_path, case, form):
    build, layer, order, size, *_ = CASES[case]
    if "batch second" in case:
        layer = "blocks.1.norm"
    network = Network(build(), layer, double=True, order=order)
    inputs = random_input((1, 3, *size))
    top = int(network.forward(inputs)[0].argmax())
    path = export(build(), form, size, tmp_path / "it.pt")
    for method, shown in program.explain(
        path, inputs, ("grad-cam", "ablation-cam", "score-cam"), None, top, max_channels=6
    ).items():
        options = oracle_options(method, {"max_channels": 6})
        expected = explain(
            method,
            inputs[0],
            network.capture(inputs[0], top),
            network.forward,
            top,
            options,
            network=network,
        )
        assert_agrees(differences, shown[0], expected, method, options)
        if form != "frozen":
            assert shown[0].report["layer"] == layer


def test_layers_are_shown_as_they_are(program, tmp_path):
    for build, size, shown in ((vit, SQUARE, "1x17x24"), (swin, WIDE, "1x8x12x24")):
        path = export(build(), "scripted", size, tmp_path / "it.pt")
        listed = program.run("layers", path, "--input", f"3x{size[0]}x{size[1]}")
        assert listed.returncode == 0, listed.stderr
        (default,) = [line for line in listed.stdout.splitlines() if "default" in line]
        assert shown in default.replace(" x ", "x") or shown[2:] in default, default


@pytest.mark.parametrize(
    "method", ["grad-cam", "layer-cam", "eigen-cam", "ablation-cam", "score-cam"]
)
def test_layers_of_different_order_are_fused(program, differences, tmp_path, method):
    """Patches [1,K,4,4], tokens [1,17,K]; stages of a Swin, of different sizes."""
    for build, orders, size in (
        (vit, {"conv_proj": None, "encoder.layers.encoder_layer_2.ln_1": VIT_GRID}, SQUARE),
        (swin, {"features.0.0": None, "features.1": ChannelsLast(), "norm": ChannelsLast()}, WIDE),
    ):
        networks = [
            Network(build(), layer, double=True, order=order) for layer, order in orders.items()
        ]
        inputs = random_input((1, 3, *size))
        (shown,) = program.explain_composed(
            export(build(), "scripted", size, tmp_path / "it.pt"),
            inputs,
            method,
            tuple(orders),
            3,
            max_channels=5,
            fusion="mean",
        )
        options = oracle_options(method, {"max_channels": 5, "fusion": "mean"})
        expected = explain_composed(method, inputs[0], networks, 3, options)
        differences(f"{method}: fused layers", np.abs(shown.data - expected).max(), 2e-3)


# ----------------------------------------------------------------------------------- the options


def refusal(program, path, inputs, tmp_path, *arguments):
    np.save(tmp_path / "input.npy", inputs)
    done = program.run("explain", path, "--tensor", tmp_path / "input.npy", *arguments)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_grid_can_be_given(program, differences, tmp_path):
    """Seven tokens before a grid of other proportions than the input: 6x16, not 8x12."""
    path = export(plain(extra=7), "scripted", WIDE, tmp_path / "it.pt")
    network = Network(plain(extra=7), "blocks.1.norm", double=True, order=Tokens((6, 16), 7))
    compare(
        program,
        differences,
        path,
        network,
        random_input((1, 3, *WIDE)),
        2,
        ["grad-cam", "ablation-cam"],
        grid="6x16",
        max_channels=4,
    )


def test_a_channel_axis_can_be_given(program, differences, tmp_path):
    """Sixteen channels could be tokens, too. At 48x48 a norm's [1,12,12,12] reads either way;
    convolutions' order is the default."""
    inputs = random_input((1, 3, *WIDE))
    path = export(plain(), "scripted", WIDE, tmp_path / "it.pt")
    network = Network(plain(), "flatten", double=True, order=Tokens((8, 12), 0, (2, 1)))
    compare(
        program,
        differences,
        path,
        network,
        inputs,
        1,
        ["grad-cam", "hires-cam", "ablation-cam"],
        channel_axis="first",
    )

    inputs = random_input((1, 3, 48, 48))
    path = export(convnext_small(), "scripted", (48, 48), tmp_path / "it.pt")
    for axis, order in (("auto", None), ("first", None), ("last", ChannelsLast())):
        network = Network(convnext_small(), "features.1.0.block.2", double=True, order=order)
        shown = network.capture(inputs[0], 1).activations.shape
        assert shown == (12, 12, 12)
        compare(
            program,
            differences,
            path,
            network,
            inputs,
            1,
            ["grad-cam", "ablation-cam"],
            channel_axis=axis,
            max_channels=3,
        )


def test_layers_without_a_grid_are_refused(program, tmp_path):
    path = export(plain(extra=9), "scripted", WIDE, tmp_path / "it.pt")
    said = refusal(program, path, random_input((1, 3, *WIDE)), tmp_path, "-l", "blocks.1.norm")
    assert "105 tokens" in said and "64x96" in said and "grid" in said
    said = refusal(
        program,
        path,
        random_input((1, 3, *WIDE)),
        tmp_path,
        "-l",
        "blocks.1.norm",
        "--set",
        "grid=20x20",
    )
    assert "105 tokens" in said and "20x20" in said
    said = refusal(program, path, random_input((1, 3, *WIDE)), tmp_path, "-l", "head")
    assert "[1, 10]" in said


def test_a_class_token_that_alone_is_read_is_refused(program, tmp_path):
    path = export(plain(extra=1, pool="first"), "scripted", WIDE, tmp_path / "it.pt")
    for method in ("grad-cam", "cam"):
        said = refusal(
            program, path, random_input((1, 3, *WIDE)), tmp_path, "-l", "norm", "-m", method
        )
        assert "class token" in said and '"norm"' in said
    path = export(plain(extra=1, pool="all"), "scripted", WIDE, tmp_path / "it.pt")
    said = refusal(program, path, random_input((1, 3, *WIDE)), tmp_path, "-l", "norm", "-m", "cam")
    assert "tokens that are not of the grid" in said


# ---------------------------------------------------------------------------- shapes and channels


@pytest.fixture(scope="module")
def library():
    sys.path.append(str(ROOT / "python"))
    return pytest.importorskip("sscam")


@pytest.mark.parametrize(
    "build, layer, order",
    [
        (swin, "norm", lambda size: ChannelsLast()),
        (convnext_small, "features", lambda size: None),
        (lambda: plain(extra=1), "blocks.1.norm", lambda size: plain_order(size, 1)),
    ],
)
def test_shapes_change_between_calls(library, differences, tmp_path, build, layer, order):
    """One loaded network, inputs of other sizes and numbers at each call."""
    with library.Model(export(build(), "scripted", SQUARE, tmp_path / "it.pt")) as model:
        explainers = {
            method: library.Explainer(model, method, max_channels=5)
            for method in ("grad-cam", "ablation-cam", "score-cam")
        }
        for count, size in ((1, SQUARE), (2, WIDE), (1, (96, 64)), (3, SQUARE), (1, (72, 40))):
            inputs = random_input((count, 3, *size))
            network = Network(build(), layer, double=True, order=order(size))
            for method, explainer in explainers.items():
                for image, found in zip(inputs, explainer.explain(inputs, class_index=[4] * count)):
                    expected = explain(
                        method,
                        image,
                        network.capture(image, 4),
                        network.forward,
                        4,
                        oracle_options(method, {"max_channels": 5}),
                        network=network,
                    )
                    differences(
                        f"{method}: maps of changing shapes",
                        np.abs(found.data - expected.data).max(),
                        2e-3,
                    )


@pytest.mark.parametrize("colours", [1, 13])
def test_inputs_of_other_channels(program, differences, tmp_path, colours):
    """Grayscale and multispectral inputs, through the tensor interface."""
    size = (40, 56)
    inputs = random_input((1, colours, *size))
    network = Network(
        plain(extra=1, colours=colours), "blocks.1.norm", double=True, order=plain_order(size, 1)
    )
    path = export(plain(extra=1, colours=colours), "scripted", size, tmp_path / "it.pt", colours)
    compare(program, differences, path, network, inputs, 1, STABLE, samples=2, max_channels=6)
    compare(
        program,
        differences,
        path,
        network,
        inputs,
        1,
        SCORING_METHODS,
        samples=2,
        max_channels=6,
        noise_target="input",
        channel_softmax="off",
    )

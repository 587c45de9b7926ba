"""Networks that take their input in other orders of axes or types, or several inputs: their maps
are those of a plain network [N,C,sides], by the oracle in eager PyTorch, on the same values."""

import csv
import json
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import metric_formulas as metrics
from cams import Options, explain, probabilities
from oracle_networks import Network, random_input, tiny
from preprocess_oracle import network_input

METHODS = ["grad-cam", "score-cam", "ss-cam-mean", "ablation-cam", "layer-cam"]
CLASS, SIZE = 1, (40, 56)
SAMPLES, SIGMA = 3, 0.5
DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"


def small(channels, convolution, sides):
    """A classifier of inputs with those channels and that many sides."""
    torch.manual_seed(5)

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                convolution(channels, 6, 5, 4, 2), nn.ReLU(), convolution(6, 8, 3, 2, 1), nn.ReLU()
            )
            self.classifier = nn.Linear(8, 5)

        def forward(self, x):
            return self.classifier(self.features(x).flatten(2).mean(2))

    network = Small()
    with torch.no_grad():
        network.classifier.weight *= 9
    return network


def gray():
    return small(1, nn.Conv2d, 2)


def video():
    return small(3, nn.Conv3d, 3)


def series():
    return small(4, nn.Conv1d, 1)


def wave():
    return small(1, nn.Conv1d, 1)


class Wrapper(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net


# --- orders of axes -----------------------------------------------------------------------------


class ChannelsLast(Wrapper):
    def forward(self, x):
        return self.net(x.permute(0, 3, 1, 2))


class ChannelsLastByMoves(Wrapper):
    def forward(self, x):
        return self.net(torch.movedim((x * 2 - 0.5 * x) / 1.5, -1, 1).contiguous())


class ChannelsLastBySwaps(Wrapper):
    def forward(self, x):
        return self.net(x.transpose(2, 3).transpose(1, 2))


class NoBatch(Wrapper):
    def forward(self, x):
        return self.net(x.unsqueeze(0)).squeeze(0)


class NoBatchChannelsLast(Wrapper):
    def forward(self, x):
        return self.net(x.permute(2, 0, 1)[None])


class NoBatchInside(nn.Module):
    """Layers of [K,h,w]."""

    def __init__(self, net):
        super().__init__()
        self.net = net.features
        self.head = net.classifier

    def forward(self, x):
        return self.head(self.net(x).mean([1, 2]))


class NoChannels(Wrapper):
    def forward(self, x):
        return self.net(x.unsqueeze(1))


class PlainPicture(Wrapper):
    def forward(self, x):
        return self.net(x[None, None])


class FramesFirst(Wrapper):
    def forward(self, x):
        return self.net(x.permute(0, 2, 1, 3, 4))


class FramesFirstChannelsLast(Wrapper):
    def forward(self, x):
        return self.net(x.permute(0, 4, 1, 2, 3))


class TimeFirst(Wrapper):
    def forward(self, x):
        return self.net(x.transpose(1, 2))


class Waves(Wrapper):
    def forward(self, x):
        return self.net(x[:, None])


class OneWave(Wrapper):
    def forward(self, x):
        return self.net(x[None, None, :])


class Hidden(Wrapper):
    """Nothing that reads the input tells how it is ordered."""

    def forward(self, x):
        return self.net(torch.stack([x[..., 0], x[..., 1], x[..., 2]], 1))


class Case(NamedTuple):
    network: object  # makes the plain one
    wrapper: object
    order: tuple[int, ...]  # of the plain input's axes; those that are missing are dropped
    options: Optional[dict[str, str]] = None
    layer: str = "net.features"


CASES = {
    "nhwc": Case(tiny, ChannelsLast, (0, 2, 3, 1)),
    "nhwc by moves": Case(tiny, ChannelsLastByMoves, (0, 2, 3, 1)),
    "nhwc by swaps": Case(tiny, ChannelsLastBySwaps, (0, 2, 3, 1)),
    "nhwc as told": Case(tiny, Hidden, (0, 2, 3, 1), {"input_layout": "nhwc"}),
    "chw": Case(tiny, NoBatch, (1, 2, 3)),
    "chw inside": Case(tiny, NoBatchInside, (1, 2, 3), {"input_layout": "chw"}, "net"),
    "hwc": Case(tiny, NoBatchChannelsLast, (2, 3, 1)),
    "nhw": Case(gray, NoChannels, (0, 2, 3)),
    "ntf as told": Case(gray, NoChannels, (0, 2, 3), {"input_layout": "ntf"}),
    "hw": Case(gray, PlainPicture, (2, 3)),
    "ntchw": Case(video, FramesFirst, (0, 2, 1, 3, 4)),
    "nthwc": Case(video, FramesFirstChannelsLast, (0, 2, 3, 4, 1)),
    "ntc": Case(series, TimeFirst, (0, 2, 1)),
    "nt": Case(wave, Waves, (0, 2)),
    "t": Case(wave, OneWave, (2,)),
}


def plain_input(make, seed=11):
    """[1,C,sides] that suits a plain network."""
    if make is video:
        frames = random_input((6, 3, *SIZE), seed)
        return np.ascontiguousarray(np.moveaxis(frames, 0, 1))[None]
    if make in (series, wave):
        channels = 4 if make is series else 1
        return random_input((1, channels, 8, 40), seed).reshape(1, channels, -1)
    return random_input((1, 1 if make is gray else 3, *SIZE), seed)


def ordered(values, order):
    missing = [axis for axis in range(values.ndim) if axis not in order]
    moved = np.transpose(values, (*order, *missing))
    return np.ascontiguousarray(moved.reshape(moved.shape[: len(order)]))


@pytest.fixture(scope="module")
def save(tmp_path_factory):
    """save(network): its scripted file."""
    folder = tmp_path_factory.mktemp("networks")

    def write(network):
        path = folder / f"{len(list(folder.iterdir()))}.pt"
        torch.jit.script(network.eval()).save(str(path))
        return path

    return write


@pytest.fixture
def run(program, tmp_path):
    """run(path, array, method, *flags, **options): raw map, map and report."""

    def call(path, array, method, *flags, **options):
        np.save(tmp_path / "x.npy", array)
        words = [text for name, value in options.items() for text in ("--set", f"{name}={value}")]
        done = program.run(
            *("explain", path, "--tensor", tmp_path / "x.npy", "-m", method, "-c", CLASS, "--json"),
            *("--raw", tmp_path / "raw.npy", "--npy", tmp_path / "map.npy", *flags, *words),
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        return np.load(tmp_path / "raw.npy"), np.load(tmp_path / "map.npy"), report

    return call


def noise_options(method):
    return {"samples": SAMPLES, "sigma": SIGMA} if method.startswith("ss-cam") else {}


def check(found, network, image, method, logits=None):
    """The maps are those of the plain network, of that image [C,sides]."""
    raw, heat, report = found
    wanted = explain(
        method,
        image,
        network.capture(image, CLASS),
        network.forward,
        CLASS,
        Options(samples=SAMPLES, sigma=SIGMA),
        network=network,
    )
    scale = max(np.abs(wanted.raw).max(), 1e-12)
    assert raw.shape == wanted.raw.shape and heat.shape == image.shape[1:]
    assert np.abs(raw - wanted.raw).max() <= 2e-3 * scale
    assert np.abs(heat - wanted.data).max() <= 2e-3
    assert abs(report["logit"] - wanted.logit) <= 1e-4 * max(1, abs(wanted.logit))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_orders_of_axes(run, save, name, method):
    case = CASES[name]
    plain = case.network().eval()
    values = plain_input(case.network)
    path = save(case.wrapper(plain))
    found = run(
        path,
        ordered(values, case.order),
        method,
        "-l",
        case.layer,
        **{**noise_options(method), **(case.options or {})},
    )
    network = Network(plain, "features", double=False)
    check(found, network, values[0], method)


@pytest.mark.parametrize("name", CASES)
def test_the_default_layer_is_the_plain_networks(run, save, name):
    case = CASES[name]
    values = plain_input(case.network)
    path = save(case.wrapper(case.network()))
    plain = run(save(case.network()), values, "grad-cam")[2]["layer"]
    found = run(path, ordered(values, case.order), "grad-cam", **(case.options or {}))[2]["layer"]
    assert found == ("net" if case.layer == "net" else f"net.{plain}")


@pytest.mark.parametrize("name", ["nhwc", "nhw", "ntc"])
def test_inputs_of_a_batch_are_explained_one_by_one(program, save, tmp_path, name):
    case = CASES[name]
    path = save(case.wrapper(case.network()))
    values = np.concatenate([plain_input(case.network, seed) for seed in (11, 12)])
    np.save(tmp_path / "x.npy", ordered(values, case.order))
    done = program.run("explain", path, "--tensor", tmp_path / "x.npy", "-m", "grad-cam", "--json")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_an_array_in_the_usual_order_is_recognised_by_its_channels(run, save):
    plain = tiny()
    image = plain_input(tiny)
    path = save(ChannelsLast(plain))
    usual = run(path, image, "grad-cam")
    own = run(path, ordered(image, (0, 2, 3, 1)), "grad-cam")
    assert np.array_equal(usual[1], own[1])


def test_a_layout_that_does_not_fit_is_refused_by_name(program, save, tmp_path):
    np.save(tmp_path / "x.npy", plain_input(tiny)[0, 0, 0])
    path = save(ChannelsLast(tiny()))
    done = program.run("explain", path, "--tensor", tmp_path / "x.npy", "-m", "grad-cam")
    assert done.returncode == 1 and "input_layout" in done.stderr
    np.save(tmp_path / "x.npy", ordered(plain_input(tiny), (0, 2, 3, 1)))
    path = save(Hidden(tiny()))
    done = program.run("explain", path, "--tensor", tmp_path / "x.npy", "-m", "grad-cam")
    assert done.returncode == 1 and "input_layout" in done.stderr


class Sideways(Wrapper):
    def forward(self, x):
        return self.net(x.transpose(2, 3))


def test_a_network_that_swaps_sides_is_refused(program, save, tmp_path):
    np.save(tmp_path / "x.npy", plain_input(tiny))
    done = program.run(
        "explain", save(Sideways(tiny())), "--tensor", tmp_path / "x.npy", "-m", "grad-cam"
    )
    assert done.returncode == 1 and "swaps the height and width" in done.stderr


# --- types of elements --------------------------------------------------------------------------


class Bytes(Wrapper):
    def forward(self, x):
        if x.dtype != torch.uint8:
            raise RuntimeError("uint8 wanted")
        return self.net(x.float() / 255)


class ScaledBytes(Wrapper):
    """Bytes, as only its arithmetic tells."""

    def forward(self, x):
        return self.net(x.to(torch.float32).div(255.0))


class BytesChannelsLast(Wrapper):
    def forward(self, x):
        return self.net(x.permute(0, 3, 1, 2).float() / 255)


class AnyBytes(Wrapper):
    """Nothing tells."""

    def forward(self, x):
        return self.net(torch.stack([x[:, 0], x[:, 1], x[:, 2]], 1) * 0.00390625)


class Rounded(Wrapper):
    """The plain network on pixels, which masked inputs are rounded to."""

    scale = 255

    def forward(self, x):
        return self.net(x.round().clamp(0, 255) / self.scale)


class RoundedTo256(Rounded):
    scale = 256


def pixels(seed=4):
    values = random_input((1, 3, *SIZE), seed)
    return np.clip(np.round(values * 50 + 120), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "wrapper, oracle, options",
    [
        (Bytes, Rounded, {}),
        (ScaledBytes, Rounded, {}),
        (BytesChannelsLast, Rounded, {}),
        (AnyBytes, RoundedTo256, {"input_type": "uint8"}),
    ],
)
def test_whole_numbers(run, save, wrapper, oracle, options, method):
    plain = tiny().eval()
    array = pixels()
    given = ordered(array, (0, 2, 3, 1)) if wrapper is BytesChannelsLast else array
    found = run(
        save(wrapper(plain)),
        given,
        method,
        "-l",
        "net.features",
        **{**noise_options(method), **options},
    )
    check(found, Network(oracle(plain), "net.features"), np.float32(array[0]), method)


def test_fractions_are_no_pixels(program, save, tmp_path):
    np.save(tmp_path / "x.npy", plain_input(tiny))
    done = program.run(
        "explain", save(Bytes(tiny())), "--tensor", tmp_path / "x.npy", "-m", "grad-cam"
    )
    assert done.returncode == 1 and "input_type" in done.stderr


def test_images_are_given_as_pixels(program, save, tmp_path):
    """Without mean and std, which apply to other networks."""
    image = DEMO / "scenes" / "scene01.png"
    image = image if image.exists() else sorted((DEMO / "scenes").glob("*.png"))[0]
    path, plain = save(Bytes(tiny())), tiny().eval()
    done = program.run("explain", path, image, "-m", "grad-cam", "-c", CLASS, "--json")
    assert done.returncode == 0, done.stderr
    values = network_input(image, mean="0", std=str(1 / 255))
    logits = Network(Rounded(plain), "net.features").forward(np.float32(values)[None])[0]
    assert abs(json.loads(done.stdout)["logit"] - logits[CLASS]) < 1e-4
    done = program.run("explain", path, image, "-m", "grad-cam", "--mean", "0.5")
    assert done.returncode == 1 and "mean" in done.stderr


# --- several inputs -----------------------------------------------------------------------------


class Reference(Wrapper):
    def forward(self, x, reference):
        return self.net(x) - 0.5 * self.net(reference)


class Scaled(Wrapper):
    """An input that no batch has."""

    def forward(self, x, weights):
        return self.net(x) * weights


class Switched(Wrapper):
    def forward(self, x, flip: bool, factor: float, times: int = 1):
        y = self.net(x.flip(3) if flip else x) * factor
        for _ in range(times):
            y = y * 0.5
        return y


class InDictionary(Wrapper):
    def forward(self, x: dict[str, Tensor]):
        return self.net(x["rgb"]) + x["bias"]


class InList(Wrapper):
    def forward(self, x: list[Tensor]):
        return self.net(x[1]) + x[0]


class InTuple(Wrapper):
    def forward(self, x: tuple[Tensor, Tensor]):
        return self.net(x[0]) + x[1]


class Optionals(Wrapper):
    def forward(self, x, mask: Optional[Tensor], factor: float = 1.0):
        y = self.net(x) * factor
        return y if mask is None else y * mask


class Later(Wrapper):
    """The image is not the first tensor."""

    def forward(self, numbers, x):
        return self.net(x) + numbers


class Bound(nn.Module):
    """A wrapper with its other inputs given."""

    def __init__(self, wrapper, call):
        super().__init__()
        self.wrapper, self.call = wrapper, call

    def forward(self, x):
        return self.call(self.wrapper, x)


RNG = np.random.default_rng(8)
REFERENCE = random_input((1, 3, *SIZE), 21)
BIAS = RNG.normal(size=(1, 5)).astype("f4")
VECTOR = np.float32([1.5, 2.0, 0.5, 1.0, -1.0])


def tensor(array):
    return torch.from_numpy(array)


SEVERAL = {
    "a tensor": (
        Reference,
        {"reference": REFERENCE},
        lambda net, x: net(x, tensor(REFERENCE).expand_as(x)),
    ),
    "not batched": (Scaled, {"weights": VECTOR}, lambda net, x: net(x, tensor(VECTOR))),
    "one row, not batched": (Scaled, {"weights": BIAS}, lambda net, x: net(x, tensor(BIAS))),
    "flags and numbers": (
        Switched,
        {"flip": "true", "factor": "2.5", "times": "2"},
        lambda net, x: net(x, True, 2.5, 2),
    ),
    "a default": (
        Switched,
        {"flip": "false", "factor": "-2"},
        lambda net, x: net(x, False, -2.0),
    ),
    "a dictionary": (
        InDictionary,
        {"x.bias": BIAS},
        lambda net, x: net({"rgb": x, "bias": tensor(BIAS)}),
    ),
    "a list": (InList, {"x.0": BIAS}, lambda net, x: net([tensor(BIAS), x])),
    "a tuple": (InTuple, {"x.1": BIAS}, lambda net, x: net((x, tensor(BIAS)))),
    "nothing": (Optionals, {}, lambda net, x: net(x, None)),
    "an optional": (Optionals, {"mask": BIAS}, lambda net, x: net(x, tensor(BIAS))),
    "the second": (Later, {"numbers": BIAS}, lambda net, x: net(tensor(BIAS), x)),
}


def input_flags(inputs, folder):
    flags = []
    for name, value in inputs.items():
        if isinstance(value, np.ndarray):
            np.save(folder / f"{name}.npy", value)
            value = folder / f"{name}.npy"
        flags += ["--input", f"{name}={value}"]
    return flags


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SEVERAL)
def test_several_inputs(run, save, tmp_path, name, method):
    wrapper, inputs, call = SEVERAL[name]
    module = wrapper(tiny()).eval()
    image = plain_input(tiny)
    flags = input_flags(inputs, tmp_path)
    found = run(save(module), image, method, "-l", "net.features", *flags, **noise_options(method))
    first_call = Bound(module, call)
    if name == "a tensor":  # of whose two calls the first is on the image
        first_call = Bound(module, lambda net, x: net.net(x) - 0.5 * net.net(tensor(REFERENCE)))
        network = FirstCall(first_call)
    else:
        network = Network(first_call, "wrapper.net.features")
    check(found, network, image[0], method)


class FirstCall(Network):
    """Of a module that is called twice: the first call, on the image."""

    def __init__(self, bound):
        constant = bound.wrapper.net(tensor(REFERENCE)).detach() * 0.5

        class One(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = bound.wrapper.net

            def forward(self, x):
                return self.net(x) - constant

        super().__init__(One(), "net.features")


def test_the_default_layer_is_of_the_image(run, save, tmp_path):
    flags = input_flags({"reference": REFERENCE}, tmp_path)
    path = save(Reference(tiny()))
    default = run(path, plain_input(tiny), "grad-cam", *flags)
    named = run(path, plain_input(tiny), "grad-cam", "-l", "net.features", *flags)
    assert np.array_equal(default[1], named[1])


def test_the_image_is_the_one_that_is_named(run, save, tmp_path):
    path = save(Reference(tiny()))
    image = plain_input(tiny)
    flags = input_flags({"x": REFERENCE}, tmp_path)
    by_name = run(path, image, "grad-cam", *flags, image_input="reference")
    by_what_is_left = run(path, image, "grad-cam", *flags)
    assert np.array_equal(by_name[0], by_what_is_left[0]) and by_name[0].max() > 0


REFUSED = {
    "missing": (Reference, {}, {}, "reference (a tensor [N,3,H,W])"),
    "missing key": (InDictionary, {}, {}, "x.bias (a tensor)"),
    "missing number": (Switched, {"flip": "true"}, {}, "factor (a number)"),
    "unknown": (Reference, {"refrence": REFERENCE}, {}, "has none of that name; its inputs are x"),
    "no number": (
        Switched,
        {"flip": "true", "factor": REFERENCE},
        {},
        'input "factor": the network takes a number',
    ),
    "unknown image": (Reference, {"reference": REFERENCE}, {"image_input": "y"}, "image_input"),
    "all given": (Reference, {"x": REFERENCE, "reference": REFERENCE}, {}, "leave out"),
    "of another shape": (Reference, {"reference": REFERENCE[:, :1]}, {}, "the network failed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_inputs_are_refused_by_name(program, save, tmp_path, name):
    wrapper, inputs, options, message = REFUSED[name]
    np.save(tmp_path / "x.npy", plain_input(tiny))
    words = [text for option, value in options.items() for text in ("--set", f"{option}={value}")]
    done = program.run(
        *("explain", save(wrapper(tiny())), "--tensor", tmp_path / "x.npy", "-m", "grad-cam"),
        *input_flags(inputs, tmp_path),
        *words,
    )
    assert done.returncode == 1 and message in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1


def test_layers_of_other_inputs_are_refused(program, save, tmp_path):
    class TwoTrunks(nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.other = tiny(), tiny()

        def forward(self, x, reference):
            return self.own(x) - self.other(reference)

    np.save(tmp_path / "x.npy", plain_input(tiny))
    flags = input_flags({"reference": REFERENCE}, tmp_path)
    path = save(TwoTrunks())
    arguments = (
        "explain",
        path,
        "--tensor",
        tmp_path / "x.npy",
        "-m",
        "grad-cam",
        *flags,
        "--json",
    )
    assert json.loads(program.run(*arguments).stdout)["layer"].startswith("own.")
    done = program.run(*arguments, "-l", "other.features")
    assert done.returncode == 1 and "did not run it on this input" in done.stderr


# --- metrics ------------------------------------------------------------------------------------


class ClothesLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.jit.load(str(DEMO / "clothes.pt")).eval()

    def forward(self, x):
        return self.net(x.permute(0, 3, 1, 2))


class ClothesCompared(ClothesLast):
    def forward(self, x, reference):
        return self.net(x) - 0.1 * self.net(reference)


STEPS = 7


@pytest.mark.parametrize("wrapper", [ClothesLast, ClothesCompared])
def test_metrics(program, save, tmp_path, wrapper):
    network = wrapper().eval()
    path, image = save(network), sorted((DEMO / "scenes").glob("*.png"))[0]
    reference = random_input((1, 3, 224, 224), 2)
    flags = input_flags({"reference": reference}, tmp_path) if wrapper is ClothesCompared else []
    common = (*flags, "-m", "grad-cam++", "-c", "0", "--probability", "sigmoid")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / image.name).symlink_to(image)
    done = program.run(
        *("eval", path, tmp_path / "set", *common, "--metrics", "average_drop,insertion,deletion"),
        *("--metric-steps", STEPS, "--csv", tmp_path / "values.csv"),
    )
    assert done.returncode == 0, done.stderr
    row = next(csv.DictReader((tmp_path / "values.csv").open()))
    done = program.run("explain", path, image, *common, "--npy", tmp_path / "map.npy")
    assert done.returncode == 0, done.stderr
    heat, values = np.load(tmp_path / "map.npy"), network_input(image)

    def probability(inputs, class_index=0):
        batch = tensor(np.float32(inputs))
        with torch.no_grad():
            logits = network.net(batch)
            if wrapper is ClothesCompared:
                logits = logits - 0.1 * network.net(tensor(reference))
        return probabilities(logits.numpy(), "sigmoid")[:, class_index]

    whole, masked = probability(np.stack([values, values * heat]))
    assert abs(float(row["average_drop"]) - metrics.average_drop(whole, masked)) < 0.05
    values = values.astype(np.float64)
    ends = {
        "deletion": (values, np.zeros_like(values)),
        "insertion": (metrics.blurred(values), values),
    }
    for name, (start, end) in ends.items():
        wanted = metrics.area(*metrics.curve(probability, start, end, heat, 0, STEPS))
        assert abs(float(row[name]) - wanted) < 2e-3

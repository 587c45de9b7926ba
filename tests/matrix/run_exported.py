"""Networks as they are exported: the right map, or refused with the reason.

usage: pytest run_exported.py, with the program's path in SSCAM_CLI. The oracle is eager PyTorch in
evaluation mode: activations and gradients of the layer by autograd, and Grad-CAM from these.
"""

import json
import os
import subprocess

import numpy as np
import pytest
import torch

import exported_networks
from exported_networks import IMAGE, NETWORKS, build, random_input
from map_oracle import oracle_maps


class Sscam:
    """The program, and a folder for its files."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def save(self, module, name="network.pt"):
        path = self.folder / name
        module.save(str(path))
        return path

    def run(self, *arguments):
        return subprocess.run(
            [self.program, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def explain(self, path, array, *flags, method="grad-cam"):
        """The report of one map, and the map before upsampling."""
        files = self.folder / "input.npy", self.folder / "raw.npy"
        np.save(files[0], np.asarray(array))
        dimensions = ["--dimensions", array.ndim - 2] if array.ndim != 4 else []
        done = self.run(
            "explain",
            path,
            "--tensor",
            files[0],
            "-m",
            method,
            "--json",
            "--raw",
            files[1],
            *dimensions,
            *flags,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), np.load(files[1])

    def refusal(self, path, array, *flags, method="grad-cam"):
        """The message of an explanation that fails."""
        file = self.folder / "input.npy"
        np.save(file, np.asarray(array))
        done = self.run("explain", path, "--tensor", file, "-m", method, "--json", *flags)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        assert done.stderr.count("\n") == 1 and len(done.stderr) < 500, done.stderr
        return done.stderr


@pytest.fixture
def sscam(tmp_path):
    return Sscam(os.environ["SSCAM_CLI"], tmp_path)


def assert_is_among(found, maps, tolerance=1e-4):
    differences = [
        np.abs(found - expected).max() / np.abs(expected).max()
        for expected in maps
        if expected.max() > 0
    ]
    assert differences and min(differences) <= tolerance, differences


def top_score(output):
    return output.max()


@pytest.mark.parametrize("form", ["scripted", "traced"])
@pytest.mark.parametrize("name", NETWORKS)
def test_default_layer(sscam, name, form):
    constructor, shape, layer, sides = NETWORKS[name]
    network, example = build(constructor), random_input(shape)
    if form == "scripted":
        path = sscam.save(torch.jit.script(network))
    else:
        path = sscam.save(torch.jit.trace(network, example.clone(), check_trace=False))
    report, raw = sscam.explain(path, example.numpy())
    assert report["layer"] == layer
    assert raw.squeeze().shape == tuple(side for side in sides if side > 1)
    assert_is_among(raw.reshape(sides), oracle_maps(network, example, sides, top_score))


def listed(sscam, path, shape=IMAGE):
    done = sscam.run("layers", path, "--input", "x".join(map(str, shape)), "--json")
    assert done.returncode == 0, done.stderr
    return {layer["name"]: layer for layer in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "constructor, layer",
    [
        (exported_networks.EarlyExit, "relu_1"),
        (exported_networks.NeedsContrast, "trunk"),
        (exported_networks.NeedsUnitRange, "trunk"),
    ],
)
def test_layers_are_those_of_an_image(sscam, constructor, layer):
    layers = listed(sscam, sscam.save(torch.jit.script(build(constructor))))
    assert layers[layer]["default"]


@pytest.mark.parametrize("mean, layer", [(0, "trunk"), (1, "other")])
def test_values_of_the_input_decide_the_layers(sscam, mean, layer):
    """Two inputs of one shape in one run of the program."""
    network = build(exported_networks.Experts)
    path = sscam.save(torch.jit.script(network))
    example = random_input(IMAGE) + mean
    both = torch.cat([random_input(IMAGE) + 1 - mean, example])
    np.save(sscam.folder / "input.npy", both.numpy())
    done = sscam.run(
        "explain",
        path,
        "--tensor",
        sscam.folder / "input.npy",
        "-m",
        "grad-cam",
        "--json",
        "--raw",
        sscam.folder / "raw.npy",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[1])
    assert report["layer"] == layer
    raw = np.load(report["outputs"]["raw"])
    assert_is_among(raw, oracle_maps(network, example, (8, 8), top_score))
    other = {"trunk": "other", "other": "trunk"}[layer]
    assert f'"{other}": the network did not run it' in sscam.refusal(
        path, example.numpy(), "-l", other
    )


def peak_memory(words):
    """Of a program, in bytes."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        ["python3", "-c", script, *words], capture_output=True, text=True, check=True, timeout=200
    )
    return int(done.stdout.split()[-1]) * 1024


def test_finding_layers_keeps_no_activations(sscam):
    """Twenty maps of 16 MiB, each an operation or two; inference holds a few at a time."""
    path = sscam.save(torch.jit.script(build(exported_networks.Deep)))
    peaks = [
        peak_memory([sscam.program, "layers", path, "--input", f"3x{side}x{side}"])
        for side in (64, 512)
    ]
    one_map = 16 * 512 * 512 * 4
    assert peaks[1] - peaks[0] < 12 * one_map, [peak / one_map for peak in peaks]


def test_few_runs_keep_no_free_buffers(sscam):
    """Maps of halving sides, as of most networks, by a method that runs the network twice."""
    path = sscam.save(torch.jit.script(build(exported_networks.Halving)))
    one_map = 16 * 1024 * 1024 * 4
    peaks = []
    for side in (64, 1024):
        np.save(sscam.folder / "input.npy", random_input((3, side, side)).numpy())
        words = [sscam.program, "explain", path, "--tensor", sscam.folder / "input.npy"]
        peaks.append(peak_memory([*words, "-m", "eigen-cam"]))
    assert peaks[1] - peaks[0] < 5 * one_map, [peak / one_map for peak in peaks]


# --- what the export has kept of training, devices and number formats ----------------------------


def assert_is_explained(sscam, path, network, example, tolerance=1e-4):
    """Twice the same map, that of the eager network at its trunk."""
    maps = [sscam.explain(path, example.numpy()) for _ in range(2)]
    assert np.array_equal(maps[0][1], maps[1][1])
    assert maps[0][0]["logit"] == maps[1][0]["logit"]
    with torch.no_grad():
        logit = network(example).max().item()
    assert abs(maps[0][0]["logit"] - logit) <= tolerance * max(1, abs(logit))
    expected = oracle_maps(network, example, (8, 8), top_score)
    assert_is_among(maps[0][1], expected, tolerance)


def without_dropout(network):
    plain = exported_networks.Classifier().eval()
    plain.load_state_dict(network.state_dict(), strict=False)
    for parameter in plain.parameters():
        parameter.requires_grad_(False)
    return plain


@pytest.mark.parametrize("form", ["scripted", "traced", "frozen"])
def test_dropout_of_evaluation_is_off(sscam, form):
    network, example = build(exported_networks.AlwaysDropout), random_input(IMAGE)
    module = torch.jit.script(network)
    if form == "traced":
        module = torch.jit.trace(network, example, check_trace=False)
    elif form == "frozen":
        module = torch.jit.freeze(module)
    assert_is_explained(sscam, sscam.save(module), without_dropout(network), example)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_traces_made_in_training_mode_are_evaluated(sscam, is_frozen):
    network, example = build(exported_networks.Regularised), random_input(IMAGE)
    network.trunk.norm.momentum = 0.0  # the trace leaves the statistics as they are
    module = torch.jit.trace(network.train(), example.clone(), check_trace=False)
    if is_frozen:
        module = torch.jit.freeze(module.eval(), optimize_numerics=False)
    assert_is_explained(sscam, sscam.save(module), network.eval(), example)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_dropout_of_recurrent_layers_is_off(sscam, is_frozen):
    network, example = build(exported_networks.Recurrent), random_input(IMAGE)
    module = torch.jit.trace(network.train(), example, check_trace=False)
    if is_frozen:
        module = torch.jit.freeze(module.eval(), optimize_numerics=False)
    assert_is_explained(sscam, sscam.save(module), network.eval(), example)


@pytest.mark.parametrize(
    "name, operation",
    [("Noisy", "randn_like"), ("Coin", "bernoulli_"), ("RareNoise", "rand")],
)
def test_random_outputs_are_refused(sscam, name, operation):
    path = sscam.save(torch.jit.script(build(getattr(exported_networks, name))))
    for _ in range(3):
        message = sscam.refusal(path, random_input(IMAGE).numpy())
        assert f"its outputs are random, by aten::{operation}:" in message


def test_noise_without_effect_does_no_harm(sscam):
    network = build(exported_networks.UnusedNoise)
    path = sscam.save(torch.jit.script(network))
    assert_is_explained(sscam, path, without_dropout(network), random_input(IMAGE))


@pytest.mark.parametrize("name", ["NoGrad", "NoGradInside"])
def test_gradients_are_those_without_no_grad(sscam, name):
    network = build(getattr(exported_networks, name))
    path = sscam.save(torch.jit.script(network))
    assert_is_explained(sscam, path, without_dropout(network), random_input(IMAGE))


@pytest.mark.parametrize("name", ["Detached", "DetachedScores"])
def test_gradients_are_those_without_detach(sscam, name):
    network = build(getattr(exported_networks, name))
    path = sscam.save(torch.jit.script(network))
    assert_is_explained(sscam, path, without_dropout(network), random_input(IMAGE))


def test_detach_counts_where_other_gradients_flow(sscam):
    network = build(exported_networks.PartlyDetached)
    path = sscam.save(torch.jit.script(network))
    assert_is_explained(sscam, path, network, random_input(IMAGE))


@pytest.mark.parametrize("is_frozen", [False, True])
def test_buffers_that_overlap_start_from_the_file(sscam, is_frozen):
    network = build(exported_networks.OverlappingBuffers)
    module = torch.jit.script(network)
    if is_frozen:
        module = torch.jit.freeze(module, optimize_numerics=False)
    path = sscam.save(module)
    with torch.no_grad():
        logit = network(random_input(IMAGE)).max().item()
    for _ in range(2):
        report, _ = sscam.explain(path, random_input(IMAGE).numpy())
        assert abs(report["logit"] - logit) < 1e-4


# --- tokens out of reading order -----------------------------------------------------------------


def tokens_in_order(network, example, sides):
    """Grad-CAM at the output of `network.block`, at the positions that the input shows."""
    count = sides[0] * sides[1]
    inner = example.clone().requires_grad_()
    kept = []
    hook = network.block.register_forward_hook(lambda _, __, output: kept.append(output))
    output = network(inner)
    hook.remove()
    kept[0].retain_grad()
    position = []
    step = [side // grid for side, grid in zip(example.shape[2:], sides)]
    for token in range(count):
        (gradient,) = torch.autograd.grad(kept[0][0, token].sum(), inner, retain_graph=True)
        energy = torch.nn.functional.avg_pool2d(gradient.abs().sum(1), step).flatten()
        position.append(int(energy.argmax()))
    assert sorted(position) == list(range(count))
    kept[0].grad = None  # what those gradients have left
    output.max().backward()
    order = np.argsort(position)
    values, gradients = (t.detach()[0].numpy()[order] for t in (kept[0], kept[0].grad))
    return np.maximum((gradients.mean(0) * values).sum(1), 0).reshape(sides)


@pytest.mark.parametrize("form", ["scripted", "traced"])
@pytest.mark.parametrize("name", ["Unrolled", "Shuffled"])
def test_tokens_are_put_in_reading_order(sscam, name, form):
    network, example = build(getattr(exported_networks, name)), random_input(IMAGE)
    path = sscam.save(module_of(network, example, form))
    _, raw = sscam.explain(path, example.numpy(), "-l", "block")
    expected = tokens_in_order(network, example, (16, 16))
    assert np.abs(raw - expected).max() <= 1e-4 * expected.max()


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize(
    "name, kind",
    [
        ("Classifier", torch.half),
        ("Classifier", torch.bfloat16),
        ("Classifier", torch.double),
        ("Casts", torch.bfloat16),
        ("HalfInTheMiddle", torch.float),
    ],
)
def test_other_number_formats_become_float32(sscam, name, kind, is_frozen):
    network = build(getattr(exported_networks, name))
    single = without_dropout(network)
    module = torch.jit.script(network.to(kind))
    if is_frozen:
        module = torch.jit.freeze(module, optimize_numerics=False)
    assert_is_explained(sscam, sscam.save(module), single, random_input(IMAGE), 2e-2)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_tensors_are_made_on_the_device_asked_for(sscam, is_frozen):
    network = build(exported_networks.OnTheCard)
    module = torch.jit.script(network)
    if is_frozen:
        module = torch.jit.freeze(module, optimize_numerics=False)
    assert_is_explained(sscam, sscam.save(module), without_dropout(network), random_input(IMAGE))


# --- outputs -------------------------------------------------------------------------------------


def module_of(network, example, form):
    module = torch.jit.script(network)
    if form == "traced":
        module = torch.jit.trace(network, example, check_trace=False, strict=False)
    return torch.jit.freeze(module) if form == "frozen" else module


FORMS = ["scripted", "traced", "frozen"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "name",
    [
        "Softmax",
        "FunctionalSoftmax",
        "ExpOfLogSoftmax",
        "LogSoftmax",
        "NormalisedExponentials",
        "StableSoftmax",
        "Sigmoid",
        "OneProbability",
    ],
)
def test_probabilities_stay_what_they_are(sscam, name, form):
    """The map and the logit are those of what enters the activation."""
    network, example = build(getattr(exported_networks, name)), random_input(IMAGE)
    path = sscam.save(module_of(network, example, form))
    with torch.no_grad():
        output = network(example)
        probabilities = (output[0] if isinstance(output, tuple) else output).reshape(-1)
        if name == "LogSoftmax":
            probabilities = probabilities.exp()
        logits = network.classify(example)[0] * 20
    top = int(probabilities.argmax())
    for method in ("grad-cam", "score-cam"):
        report, raw = sscam.explain(path, example.numpy(), method=method)
        assert report["class"] == top
        assert abs(report["probability"] - probabilities[top].item()) < 1e-5
        assert abs(report["logit"] - logits[top].item()) < 1e-3
        if method == "grad-cam":
            expected = oracle_maps(LogitsOf(network), example, (8, 8), lambda y: y[0, top])
            assert_is_among(raw, expected)


class LogitsOf(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network.classify(x) * 20


def test_probabilities_by_unknown_operations_can_be_told(sscam):
    network, example = build(exported_networks.OwnNormalisation), random_input(IMAGE)
    path = sscam.save(torch.jit.script(network))
    report, raw = sscam.explain(path, example.numpy(), "--set", "probability=none")
    with torch.no_grad():
        output = network(example)[0]
    assert abs(report["probability"] - output.max().item()) < 1e-5
    assert report["logit"] == report["probability"]
    assert_is_among(raw, oracle_maps(network, example, (8, 8), top_score))


def test_the_default_layer_is_that_of_the_output(sscam):
    network, example = build(exported_networks.Named), random_input(IMAGE)
    path = sscam.save(torch.jit.script(network))
    for name in ("scores", "1"):
        report, raw = sscam.explain(path, example.numpy(), "--set", f"output={name}")
        assert report["layer"] == "trunk"
        expected = oracle_maps(network, example, (8, 8), lambda y: y["scores"].max())
        assert_is_among(raw, expected)
    message = sscam.refusal(path, example.numpy(), "--set", "output=logits")
    assert "0 (embedding), 1 (scores), 2 (map)" in message


@pytest.mark.parametrize("name", ["Number", "OneStep"])
def test_scores_of_other_shapes(sscam, name):
    network, example = build(getattr(exported_networks, name)), random_input(IMAGE)
    path = sscam.save(torch.jit.script(network))
    for method in ("grad-cam", "score-cam", "ablation-cam"):
        report, raw = sscam.explain(path, example.numpy(), method=method)
        assert abs(report["logit"] - network(example).max().item()) < 1e-5
        if method == "grad-cam":
            assert_is_among(raw, oracle_maps(network, example, (8, 8), top_score))


@pytest.mark.parametrize("name, prefix", [("Heads", ""), ("NamedHeads", "scores:")])
@pytest.mark.parametrize("head", [0, 2])
def test_heads_are_chosen_by_index(sscam, name, prefix, head):
    network, example = build(getattr(exported_networks, name)), random_input(IMAGE)
    path = sscam.save(torch.jit.script(network))

    def score(output):
        scores = output["scores"] if prefix else output
        return scores[0, head].max()

    expected = oracle_maps(network, example, (8, 8), score)
    for method in ("grad-cam", "score-cam"):
        report, raw = sscam.explain(
            path, example.numpy(), "--set", f"output={prefix}{head}", method=method
        )
        assert report["layer"] == "trunk"
        assert abs(report["logit"] - score(network(example)).item()) < 1e-5
        if method == "grad-cam":
            assert_is_among(raw, expected)
    wrong = sscam.refusal(path, example.numpy(), "--set", f"output={prefix}3")
    assert "head or step 3 of 3" in wrong


def test_heads_are_not_chosen_unasked(sscam):
    path = sscam.save(torch.jit.script(build(exported_networks.Heads)))
    message = sscam.refusal(path, random_input(IMAGE).numpy())
    assert "[1, 3, 7]: 3 heads or steps of 7 classes" in message and "output=0" in message


@pytest.mark.parametrize(
    "name, shape, sides",
    [("DenseSeries", (2, 200), (48,)), ("DenseVolume", (1, 9, 13, 13), (4, 6, 6))],
)
def test_dense_outputs_of_series_and_volumes(sscam, name, shape, sides):
    network, example = build(getattr(exported_networks, name)), random_input(shape)
    path = sscam.save(torch.jit.script(network))

    def score(output):
        classes = output[0].flatten(1)
        assigned = classes.argmax(0)
        chosen = int(assigned.bincount(minlength=classes.size(0)).argmax())
        return classes[chosen][assigned == chosen].mean()

    expected = oracle_maps(network, example, sides, score)
    for method in ("grad-cam", "score-cam"):
        report, raw = sscam.explain(path, example.numpy(), method=method)
        assert report["layer"] == "body"
        assert abs(report["logit"] - score(network(example)).item()) < 1e-4
        if method == "grad-cam":
            assert_is_among(raw, expected)
    assert "boxes and masks select pixels of images" in sscam.refusal(
        path, example.numpy(), "--set", "region=0,0,1,1", "--dimensions", len(sides)
    )


def test_frames_stacked_into_the_batch_are_refused(sscam):
    path = sscam.save(torch.jit.script(build(exported_networks.FramesOneByOne)))
    message = sscam.refusal(path, random_input((3, 5, 64, 64)).numpy(), "--dimensions", 3)
    assert 'makes a batch of 5 of one input, as of views of it, at layer "trunk"' in message


def test_outputs_are_listed(sscam):
    """The program lists them, and tells which one it took unless one was named."""
    path = sscam.save(torch.jit.script(build(exported_networks.Named)))
    done = sscam.run("layers", path, "--input", "3x64x64", "--outputs", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {"output": 0, "name": "embedding", "shape": [1, 12], "taken": True},
        {"output": 1, "name": "scores", "shape": [1, 7], "taken": False},
        {"output": 2, "name": "map", "shape": [1, 12, 8, 8], "taken": False},
    ]
    table = sscam.run("layers", path, "--input", "3x64x64").stdout.splitlines()
    assert table[-3:] == [
        "output 0 (embedding) 1x12  * class scores",
        "output 1 (scores) 1x7",
        "output 2 (map) 1x12x8x8",
    ]
    np.save(sscam.folder / "input.npy", random_input(IMAGE).numpy())
    words = ["explain", path, "--tensor", sscam.folder / "input.npy", "-m", "grad-cam"]
    done = sscam.run(*words)
    assert (
        "sscam: note: outputs: the class scores are those of the first that can hold some, "
        "0 (embedding) 1x12; --set output=NUMBER takes another: 1 (scores) 1x7, 2 (map) 1x12x8x8"
    ) in done.stderr
    assert "outputs" not in sscam.run(*words, "--set", "output=scores").stderr
    assert "outputs" not in sscam.run(*words, "--quiet").stderr


def test_views_stacked_into_the_batch_are_refused(sscam):
    path = sscam.save(torch.jit.script(build(exported_networks.StackedViews)))
    message = sscam.refusal(path, random_input(IMAGE).numpy())
    assert 'makes a batch of 3 of one input, as of views of it, at layer "trunk"' in message


# --- scoring -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BatchRange", "Classifier"])
def test_scoring_tells_whether_rows_depend_on_each_other(sscam, name):
    """Where they do, weights are those of rows scored one by one, at any batch size."""
    network, example = build(getattr(exported_networks, name)), random_input(IMAGE)
    path = sscam.save(torch.jit.script(network))
    maps, forms = [], []
    for batch_size in (1, 4, 7):
        report, raw = sscam.explain(
            path, example.numpy(), "--set", f"batch_size={batch_size}", method="score-cam"
        )
        maps.append(raw)
        forms.append(report["diagnostics"]["form"])
    is_told = ["one by one, since batches change" in form for form in forms]
    assert is_told == [name == "BatchRange"] * 3, forms
    for other in maps[1:]:
        assert np.abs(other - maps[0]).max() <= 1e-4 * maps[0].max()


# --- reasons -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["scripted", "traced", "frozen"])
def test_the_reason_of_a_failure_is_told(sscam, form):
    network = build(exported_networks.Classifier)
    path = sscam.save(module_of(network, random_input(IMAGE), form))
    message = sscam.refusal(path, random_input((1, 64, 64)).numpy())
    assert "to have 3 channels, but got 1 channels" in message


def test_operators_of_other_libraries_are_named(sscam):
    """As torchvision's, in a process without its library."""
    torchvision = pytest.importorskip("torchvision")

    class Suppressed(exported_networks.Classifier):
        def forward(self, x):
            boxes = x.flatten(1)[:, :8].reshape(2, 4).abs()
            kept = torch.ops.torchvision.nms(boxes + boxes.roll(2, 1), boxes[:, 0], 0.5)
            return self.classify(x) + kept.sum()

    network = build(Suppressed)
    try:
        module = torch.jit.trace(network, random_input(IMAGE), check_trace=False)
    except RuntimeError:
        pytest.skip(f"torchvision {torchvision.__version__} has no operators")
    message = sscam.refusal(sscam.save(module), random_input(IMAGE).numpy())
    assert "operator torchvision::nms" in message and "--library FILE" in message

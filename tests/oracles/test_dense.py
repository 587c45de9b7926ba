"""Dense outputs: segmentation networks explained over a region, against eager PyTorch that takes
the mean over the region itself."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from cams import METHODS, SCORING_METHODS, TERM_METHODS, defaults, explain
from oracle_networks import (
    Network,
    Reduced,
    SegmentsInDict,
    SegmentsInTuple,
    TinySegments,
    random_input,
    segmenting,
)
from test_methods import relative_difference, score_difference

SIZE = (40, 56)
REAL_SIZE = (64, 80)
BUT_CAM = METHODS[1:]
KINDS = {"bare": TinySegments, "dict": SegmentsInDict, "tuple": SegmentsInTuple}


def output_of(module, inputs):
    """[K,h,w] of one input, in the module's own precision."""
    with torch.no_grad():
        found = module(torch.from_numpy(inputs).to(next(module.parameters()).dtype))
    if isinstance(found, tuple):
        found = found.out
    return (found["out"] if isinstance(found, dict) else found)[0].numpy()


def class_with_most(positions):
    """The lowest index of equal ones."""
    return int(np.argmax(positions.reshape(len(positions), -1).sum(axis=1)))


def seen(output, sigmoid=False):
    """[K,h,w]: where the network predicts each class."""
    if sigmoid or len(output) == 1:
        return output > 0
    return np.arange(len(output))[:, None, None] == output.argmax(axis=0)


class Bare(torch.nn.Module):
    """The class maps alone, of a network that returns them in a named tuple."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x).out


class Case:
    """A segmentation network, its file, and an input."""

    def __init__(self, module, path, layer, size=SIZE, double=False):
        self.module, self.path, self.layer, self.double = module, path, layer, double
        self.inputs = random_input((1, 3, *size))
        self.output = output_of(module, self.inputs)

    def reduced(self, positions, kind="logit", reduction="mean"):
        """The network of Y^c and f^c over positions [h,w]."""
        module, below = self.module, "network."
        if isinstance(module, SegmentsInTuple):
            module, below = Bare(module), "network.network."
        return Network(
            Reduced(module, positions, kind, reduction), below + self.layer, double=self.double
        )

    def compare(
        self,
        program,
        differences,
        positions,
        class_index,
        methods,
        region="predicted",
        class_option="same",
        flags=(),
        **options,
    ):
        """One call of the program, each map against the oracle over the positions."""
        probability = options.get("probability", "softmax")
        kind = "logit" if options.get("score", "logit") == "logit" else probability
        reduction = options.get("reduction", "mean")
        network = self.reduced(positions, reduction=reduction)
        scorer = self.reduced(positions, kind, reduction)
        capture = network.capture(self.inputs[0], class_index)
        shown = program.explain(
            self.path,
            self.inputs,
            methods,
            self.layer,
            class_index if class_option == "same" else class_option,
            flags,
            region=region,
            **options,
        )
        means = [
            self.reduced(positions, k).forward(self.inputs)[0, class_index]
            for k in ("logit", probability)
        ]
        own = {
            name: value
            for name, value in options.items()
            if name not in ("score", "reduction", "output", "probability")
        }
        for method in methods:
            resolved = replace(defaults(method), **own)
            seen_by = replace(capture, logits=scorer.forward(self.inputs)[0])
            expected = explain(
                method,
                self.inputs[0],
                seen_by,
                scorer.forward,
                class_index,
                resolved,
                network=scorer if method == "ablation-cam" else network,
            )
            (found,) = shown[method]
            assert found.report["class"] == class_index
            self.agree(differences, found, expected, method, resolved)
            differences("logit of the positions", abs(found.report["logit"] - means[0]), 1e-3)
            differences(
                "probability of the positions", abs(found.report["probability"] - means[1]), 1e-4
            )

    @staticmethod
    def agree(differences, found, expected, method, options):
        scored = method in SCORING_METHODS or method == "ablation-cam"
        differences(
            f"{method}: raw map of positions, relative",
            relative_difference(found.raw, expected.raw),
            2e-3 if scored else 2e-4,
        )
        differences(
            f"{method}: final map of positions", np.abs(found.data - expected.data).max(), 2e-3
        )
        if method in SCORING_METHODS:
            scale = max(
                1, np.abs(expected.weights).max()
            )  # sums are as large as their positions are many
            differences(
                f"{method}: scores of positions",
                score_difference(found.weights, expected.weights, options) / scale,
                1e-3,
            )
        elif method not in TERM_METHODS:
            differences(
                f"{method}: weights of positions, relative",
                relative_difference(found.weights, expected.weights),
                2e-3 if scored else 2e-4,
            )


@pytest.fixture(scope="session")
def tiny_case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segments")

    @functools.cache
    def case(kind="bare", **arguments):
        torch.manual_seed(4)
        module = KINDS[kind](**arguments).eval()
        path = folder / f"{kind}-{len(list(folder.iterdir()))}.pt"
        torch.jit.script(module).save(str(path))
        return Case(module.double(), path, "features", double=True)

    return case


# ------------------------------------------------------------------------------------------ regions


def box_places(box, shape):
    """Positions whose centres lie in a box of the input's pixels."""
    left, top, right, bottom = box
    x = (np.arange(shape[1]) + 0.5) * SIZE[1] / shape[1]
    y = (np.arange(shape[0]) + 0.5) * SIZE[0] / shape[0]
    return ((y >= top) & (y < bottom))[:, None] & ((x >= left) & (x < right))


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("region", ["predicted", "all", (5, 3.5, 33, 30)], ids=str)
def test_regions(program, differences, tiny_case, coarse, region):
    case = tiny_case(coarse=coarse)
    everywhere = np.ones(case.output.shape[1:], bool)
    inside = box_places(region, everywhere.shape) if isinstance(region, tuple) else everywhere
    class_index = class_with_most(seen(case.output) & inside)
    positions = seen(case.output)[class_index] if region == "predicted" else inside
    assert 0 < positions.sum() <= positions.size and (region == "all") == positions.all()
    case.compare(
        program,
        differences,
        positions,
        class_index,
        BUT_CAM,
        region,
        class_option=None,
        samples=2,
        channel_softmax="off",
    )


def test_masks(program, differences, tiny_case, tmp_path):
    """A mask of another size than the output: its pixels at the positions' centres count."""
    case = tiny_case(coarse=True)
    mask = np.zeros((31, 23), np.uint8)
    mask[7:25, 4:15] = 255
    mask[10:14, 8:11] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    height, width = case.output.shape[1:]
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(int)
    positions = mask[rows][:, columns] > 0
    assert 0 < positions.sum() < positions.size
    case.compare(
        program,
        differences,
        positions,
        2,
        ("hires-cam", "score-cam", "ablation-cam"),
        tmp_path / "mask.png",
        channel_softmax="off",
    )


@pytest.mark.parametrize(
    "options",
    [
        {"score": "probability"},
        {"score": "probability", "baseline": "input"},
        {"reduction": "sum", "baseline": "black"},
        {"score": "probability", "reduction": "sum"},
    ],
    ids=str,
)
def test_scores_of_places(program, differences, tiny_case, options):
    case = tiny_case()
    class_index = class_with_most(seen(case.output))
    case.compare(
        program,
        differences,
        seen(case.output)[class_index],
        class_index,
        ("ablation-cam", *SCORING_METHODS),
        samples=2,
        channel_softmax="off",
        **options,
    )


@pytest.mark.parametrize("classes", [5, 1])
def test_classes_by_themselves(program, differences, tiny_case, classes):
    """Multi-label heads, and the one logit of a binary head: a class is where its logit is
    positive."""
    case = tiny_case(classes=classes)
    positions = seen(case.output, sigmoid=True)
    class_index = class_with_most(positions)
    case.compare(
        program,
        differences,
        positions[class_index],
        class_index,
        ("layer-cam", "score-cam", "ablation-cam"),
        class_option=None,
        score="probability",
        channel_softmax="off",
        probability="sigmoid",
    )


@pytest.mark.parametrize(
    "kind, output", [("dict", ""), ("dict", "out"), ("dict", "0"), ("tuple", "out"), ("tuple", "1")]
)
def test_outputs_of_places(program, differences, tiny_case, kind, output):
    case = tiny_case(kind)
    positions = seen(case.output)
    class_index = class_with_most(positions)
    case.compare(
        program,
        differences,
        positions[class_index],
        class_index,
        ("hires-cam", "score-cam"),
        class_option=None,
        channel_softmax="off",
        output=output,
    )


def test_targets_of_places(program, differences, tiny_case):
    """The difference of two classes is taken over the positions of the first, whose second is the
    class with the highest mean there."""
    case = tiny_case()
    first = class_with_most(seen(case.output))
    positions = seen(case.output)[first]
    means = case.reduced(positions).forward(case.inputs)[0]
    second = max((c for c in range(len(means)) if c != first), key=lambda c: means[c])
    shown = {
        target: program.explain(
            case.path, case.inputs, ["hires-cam", "ablation-cam"], case.layer, None, target=target
        )
        for target in ("against", "difference")
    }
    captures = [case.reduced(positions).capture(case.inputs[0], c) for c in (first, second)]
    gradients = {
        "against": -captures[0].gradients,
        "difference": captures[0].gradients - captures[1].gradients,
    }
    for target, maps in shown.items():
        raw = np.maximum((gradients[target] * captures[0].activations).sum(axis=0), 0)
        differences(
            f"hires-cam: {target} over positions, relative",
            relative_difference(maps["hires-cam"][0].raw, raw),
            2e-4,
        )

    def score(row, target):
        return -row[first] if target == "against" else row[first] - row[second]

    network = case.reduced(positions)
    for target, maps in shown.items():
        whole = score(means, target)
        expected = [
            (whole - score(network.without_channel(case.inputs[0], k), target)) / abs(whole)
            for k in range(len(captures[0].activations))
        ]
        differences(
            f"ablation-cam: {target} over positions",
            np.abs(maps["ablation-cam"][0].weights - expected).max(),
            1e-3,
        )


def test_altered_inputs_keep_their_places(program, differences, tiny_case):
    """aug_smooth: mirrored inputs are explained over the mirrored region of the unaltered one."""
    case = tiny_case()
    class_index = class_with_most(seen(case.output))
    positions = seen(case.output)[class_index]
    sum_of_maps = 0
    for mirrored in (False, True):
        network = case.reduced(positions[:, ::-1].copy() if mirrored else positions)
        for factor in (0.9, 1.0, 1.1):
            image = np.float32(factor) * case.inputs[0]
            image = image[..., ::-1].copy() if mirrored else image
            found = explain(
                "layer-cam",
                image,
                network.capture(image, class_index),
                network.forward,
                class_index,
                defaults("layer-cam"),
                network=network,
            ).data
            sum_of_maps = sum_of_maps + (found[:, ::-1] if mirrored else found)
    expected = (sum_of_maps - sum_of_maps.min()) / np.ptp(sum_of_maps)
    (shown,) = program.explain_composed(
        case.path, case.inputs, "layer-cam", (case.layer,), class_index, aug_smooth="on"
    )
    differences(
        "layer-cam: altered inputs over positions", np.abs(shown.data - expected).max(), 2e-3
    )


def test_ranks_are_of_places(program, tiny_case):
    case = tiny_case()
    done = program.run_on(case.path, case.inputs, "-m", "grad-cam", "-c", "top3", "--json")
    counts = seen(case.output).sum(axis=(1, 2))
    assert (counts > 0).sum() >= 3
    assert [report["class"] for report in done] == list(np.argsort(-counts, kind="stable")[:3])


# ------------------------------------------------------------------------------------ real networks


@pytest.mark.parametrize(
    "name, layer, way, methods",
    [
        (
            "lraspp_mobilenet_v3_large",
            "backbone.16",
            "script",
            ("grad-cam", "hires-cam", "score-cam", "ss-cam-max", "ablation-cam"),
        ),
        ("fcn_resnet50", "classifier.2", "script", ("grad-cam", "layer-cam", "score-cam")),
        (
            "deeplabv3_mobilenet_v3_large",
            "classifier.3",
            "trace",
            ("grad-cam", "hires-cam", "score-cam"),
        ),
    ],
)
def test_torchvision_segmentation(program, differences, tmp_path, name, layer, way, methods):
    module, path = segmenting(name, REAL_SIZE), tmp_path / f"{name}.pt"
    if way == "script":
        torch.jit.script(module).save(str(path))
    else:
        torch.jit.trace(
            module, torch.zeros(1, 3, *REAL_SIZE), strict=False, check_trace=False
        ).save(str(path))
    case = Case(module, path, layer, REAL_SIZE)
    positions = seen(case.output)
    class_index = class_with_most(positions)
    case.compare(
        program,
        differences,
        positions[class_index],
        class_index,
        methods,
        class_option=None,
        samples=2,
        max_channels=6,
        channel_softmax="off",
    )
    case.compare(
        program, differences, positions[class_index], class_index, methods[:1], score="probability"
    )


# ----------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--region", "0,0,60,40"], "goes beyond the input of 56x40"),
        (["--region", "8,8,4,20"], "empty"),
        (["--region", "mask"], "no mask"),
        (["--region", "left"], "none of predicted"),
        (["--region", "missing.png"], "missing.png"),
        (["-c", "5"], "class 5"),
        (["-m", "cam"], "global average pooling"),
    ],
)
def test_refusals(program, tiny_case, tmp_path, arguments, words):
    case = tiny_case()
    np.save(tmp_path / "input.npy", case.inputs)
    done = program.run(
        "explain", case.path, "--tensor", tmp_path / "input.npy", "-m", "grad-cam", *arguments
    )
    assert done.returncode in (1, 2) and done.stderr.count("\n") == 1 and words in done.stderr


def test_outputs_without_places_have_no_boxes(program, tmp_path):
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 4, 3),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
    )
    torch.jit.script(module.eval()).save(str(tmp_path / "classes.pt"))
    np.save(tmp_path / "input.npy", random_input((1, 3, *SIZE)))
    done = program.run(
        "explain",
        tmp_path / "classes.pt",
        "--tensor",
        tmp_path / "input.npy",
        "-m",
        "grad-cam",
        "--region",
        "1,1,9,9",
    )
    assert done.returncode == 1 and "no positions" in done.stderr and done.stderr.count("\n") == 1

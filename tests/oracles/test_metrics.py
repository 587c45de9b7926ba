"""sscam eval on the bundled scenes against the metrics of the oracle, computed from the maps of
sscam explain."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch

import metric_formulas as metrics
from cams import probabilities
from preprocess_oracle import network_input

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
LABELS = (DEMO / "labels.txt").read_text().splitlines()
METHODS = ["cam", "grad-cam++", "score-cam"]
IMAGES, STEPS = 4, 14
OPTIONS = ["-m", ",".join(METHODS), "--max-channels", "8", "--probability", "sigmoid"]
LEFT, TOP = (
    (320 - 224) // 2,
    (256 - 224) // 2,
)  # of the crop: the scenes' shorter side is 256 already
TOLERANCES = {
    "average_drop": 0.05,
    "average_increase": 0,
    "energy_pointing": 1e-2,
    "pointing": 0,
    "insertion": 2e-3,
    "deletion": 2e-3,
    "class_sensitivity": 1e-3,
    "complexity": 1e-3,
    "coherency": 0.05,
    "adcc": 0.05,
}
# Two variants of a network whose scores differ by less than this may disagree on which is higher.
DRAW = 1e-3


class Scorer:
    """The bundled network, in float32, on inputs of the oracle."""

    def __init__(self):
        self.module = torch.jit.load(str(DEMO / "clothes.pt")).eval()

    def logits(self, inputs):
        with torch.no_grad():
            return self.module(torch.from_numpy(np.float32(inputs))).double().numpy()

    def probability(self, inputs, class_index):
        return probabilities(self.logits(inputs), "sigmoid")[:, class_index]

    def logit(self, inputs, class_index):
        return self.logits(inputs)[:, class_index]


@pytest.fixture(scope="module")
def scorer():
    return Scorer()


def boxes_of(scene, label):
    root = ElementTree.parse(DEMO / "scenes" / f"{scene}.xml").getroot()
    boxes = [
        [int(item.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")]
        for item in root.iter("object")
        if item.findtext("name") == label
    ]
    return [(box[0] - 1 - LEFT, box[1] - 1 - TOP, box[2] - LEFT, box[3] - TOP) for box in boxes]


@pytest.fixture(scope="module")
def evaluated(program, tmp_path_factory):
    """(rows of the CSV file, report) of one run with everything."""
    table = tmp_path_factory.mktemp("eval") / "values.csv"
    done = program.run(
        "eval",
        DEMO / "clothes.pt",
        DEMO / "scenes",
        "--labels",
        DEMO / "labels.txt",
        *OPTIONS,
        "--metrics",
        "all",
        "--metric-steps",
        STEPS,
        "--limit",
        IMAGES,
        "--csv",
        table,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    with open(table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)), json.loads(done.stdout)


@pytest.fixture(scope="module")
def maps(program, tmp_path_factory):
    """{(scene, method, class): map} of all classes, by sscam explain."""
    folder, found = tmp_path_factory.mktemp("maps"), {}
    for scene in sorted((DEMO / "scenes").glob("*.png"))[:IMAGES]:
        done = program.run(
            "explain",
            DEMO / "clothes.pt",
            scene,
            *OPTIONS,
            "-c",
            ",".join(map(str, range(len(LABELS)))),
            "--npy",
            folder / f"{scene.stem}.npy",
            "--json",
        )
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            report = json.loads(line)
            found[scene.stem, report["method"], report["class"]] = np.load(report["outputs"]["npy"])
    return found


@pytest.fixture(scope="module")
def masked_maps(program, maps, tmp_path_factory):
    """{(scene, method, class): map of the input that the map of that key masks}, by sscam explain.
    The inputs of one class are explained together."""
    folder, found = tmp_path_factory.mktemp("masked"), {}
    for method in METHODS:
        for class_index in range(len(LABELS)):
            keys = [key for key in maps if key[1:] == (method, class_index)]
            inputs = [network_input(DEMO / "scenes" / f"{key[0]}.png") * maps[key] for key in keys]
            np.save(folder / "inputs.npy", np.stack(inputs).astype(np.float32))
            done = program.run(
                "explain",
                DEMO / "clothes.pt",
                "--tensor",
                folder / "inputs.npy",
                *OPTIONS[2:],
                "-m",
                method,
                "-c",
                class_index,
                "--npy",
                folder / f"{method}{class_index}.npy",
                "--json",
            )
            assert done.returncode == 0, done.stderr
            reports = map(json.loads, done.stdout.splitlines())
            found |= dict(zip(keys, (np.load(report["outputs"]["npy"]) for report in reports)))
    return found


def expected(scorer, maps, masked_maps, scene, method, class_index):
    """All metrics of one case."""
    image = network_input(DEMO / "scenes" / f"{scene}.png").astype(np.float64)
    heat = maps[scene, method, class_index]
    logits = scorer.logits(image[None])[0]
    whole, masked = scorer.probability(np.stack([image, image * heat]), class_index)
    marked = metrics.inside(boxes_of(scene, LABELS[class_index]), heat.shape)
    curves = {
        "deletion": (image, np.zeros_like(image)),
        "insertion": (metrics.blurred(image), image),
    }
    areas = {
        name: metrics.area(*metrics.curve(scorer.probability, *ends, heat, class_index, STEPS))
        for name, ends in curves.items()
    }
    drop = metrics.average_drop(whole, masked)
    coherency = metrics.coherency(heat, masked_maps[scene, method, class_index])
    return whole - masked, {
        "average_drop": drop,
        "complexity": metrics.complexity(heat),
        "coherency": coherency,
        "adcc": metrics.adcc(drop, coherency, metrics.complexity(heat)),
        "average_increase": metrics.average_increase(whole, masked),
        "energy_pointing": metrics.energy_pointing(heat, marked),
        "pointing": metrics.pointing(heat, marked),
        "class_sensitivity": metrics.correlation(
            maps[scene, method, int(logits.argmax())], maps[scene, method, int(logits.argmin())]
        ),
    } | areas


def test_every_value_is_the_oracles(evaluated, maps, masked_maps, scorer, differences):
    rows, _ = evaluated
    decided = 0
    for row in rows:
        scene, method, class_index = row["image"][:-4], row["method"], int(row["class"])
        fall, wanted = expected(scorer, maps, masked_maps, scene, method, class_index)
        for metric, value in wanted.items():
            if metric == "average_increase" and abs(fall) < DRAW:
                continue
            decided += metric == "average_increase"
            differences(metric, abs(float(row[metric]) - value), TOLERANCES[metric])
    assert len(rows) == len(METHODS) * len({(row["image"], row["class"]) for row in rows})
    assert decided >= len(rows) / 4
    assert {row["average_increase"] for row in rows} == {"0", "100"}


def test_totals_are_means_and_bootstrap_intervals(evaluated, differences):
    rows, report = evaluated
    for method in report["methods"]:
        for metric in TOLERANCES:
            values = [float(row[metric]) for row in rows if row["method"] == method["method"]]
            total = method[metric]
            for found, wanted in zip(
                (total["mean"], total["lower"], total["upper"]), metrics.interval(values)
            ):
                differences("mean and interval", abs(found - wanted), 1e-6)
            assert total["count"] == len(values)


def test_drop_of_logits_under_half_the_map(program, maps, scorer, differences, tmp_path):
    table = tmp_path / "values.csv"
    done = program.run(
        "eval",
        DEMO / "clothes.pt",
        DEMO / "scenes",
        "--labels",
        DEMO / "labels.txt",
        *OPTIONS,
        "--metrics",
        "average_drop",
        "--metric-score",
        "logit",
        "--metric-mask",
        "top50",
        "--limit",
        2,
        "--csv",
        table,
    )
    assert done.returncode == 0, done.stderr
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 2 * len(METHODS)
    for row in rows:
        image = network_input(DEMO / "scenes" / row["image"]).astype(np.float64)
        class_index = int(row["class"])
        half = metrics.upper_half(maps[row["image"][:-4], row["method"], class_index])
        whole, masked = scorer.logit(np.stack([image, image * half]), class_index)
        differences(
            "average_drop of logits",
            abs(float(row["average_drop"]) - metrics.average_drop(whole, masked)),
            0.05,
        )


def test_the_oracles_blur_is_a_plain_convolution():
    """And its kernel is symmetric, sums to 1, and decreases from the middle."""
    kernel = metrics.blur_kernel()
    assert kernel.shape == (11, 11) and kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, kernel.T)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1])
    assert (np.diff(kernel[5, 5:]) < 0).all()
    image = np.random.default_rng(1).standard_normal((1, 13, 9))
    padded = np.pad(image[0], 5)
    plain = [[(padded[y : y + 11, x : x + 11] * kernel).sum() for x in range(9)] for y in range(13)]
    np.testing.assert_allclose(metrics.blurred(image)[0], plain, atol=1e-12)

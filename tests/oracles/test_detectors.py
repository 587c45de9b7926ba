"""Detectors in every layout: their detections, scores and maps against the definitions."""

import copy
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cams import Capture, defaults, explain, normalised, smooth_grad_cam_pp_weights
from detectors import CLASSES, LAYOUTS, Explained, build, detections, logit, similarity
from oracle_networks import random_input
from random_masks import random_masks
from test_methods import relative_difference
from whole_network import full_gradients, opti_cam, psi

ROOT = Path(__file__).resolve().parents[2]
SIZE = (40, 56)
METHODS = ("grad-cam", "grad-cam++", "layer-cam", "hires-cam", "score-cam", "eigen-cam")
SCORED = ("score-cam",)
# The default layer: the last map that both branches of a cell read.
LAYERS = {"fine": "features.fine", "coarse": "features.coarse"}


class Case:
    def __init__(self, name, folder):
        kind, layout, arguments = LAYOUTS[name]
        self.name, self.layout = name, layout
        module = build(kind, **arguments)
        self.path = folder / f"{name}.pt"
        torch.jit.script(module).save(self.path)
        self.inputs = random_input((1, 3, *SIZE))
        self.oracle = Explained(module, layout, self.inputs)
        self.read = self.oracle.read(self.inputs)[0]
        self.detections = detections(self.read)
        self.options = {"detector": name if name in AMBIGUOUS else "auto"}
        cells = (SIZE[0] // 4) * (SIZE[1] // 4) * arguments.get("per_cell", 1)
        self.fine_count = cells

    def layer_of(self, detection):
        """Of boxes by confidence, whose order hides the cell, any of the two."""
        if self.layout.has_labels:
            return None
        return LAYERS["fine" if detection.anchor < self.fine_count else "coarse"]


AMBIGUOUS = ("yolov8-transposed", "yolov5", "deformable-detr", "rt-detr", "detr")


@pytest.fixture(scope="session")
def sscam():
    """The Python package, of the library that is built; it refuses another libtorch than the
    oracle's."""
    if "SSCAM_LIBRARY" not in os.environ:
        pytest.skip("skipped: SSCAM_LIBRARY does not name the built library")
    sys.path.append(str(ROOT / "python"))
    return pytest.importorskip("sscam")


@pytest.fixture(scope="module", params=list(LAYOUTS))
def case(request, tmp_path_factory):
    return Case(request.param, tmp_path_factory.mktemp(request.param))


def test_detections_are_those_of_the_definition(case, sscam):
    with sscam.Model(case.path) as model:
        found = sscam.Explainer(model, "grad-cam", **case.options).detect(case.inputs)
    assert len(case.detections) >= 2
    assert len(found) == len(case.detections)
    for own, expected in zip(found, case.detections):
        assert own.class_index == expected.class_index
        assert own.score == pytest.approx(expected.score, abs=1e-5)
        assert own[:4] == pytest.approx(expected.box, abs=1e-3)


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_maps_of_detections(case, rank, method, program, differences):
    detection = case.detections[rank]
    (shown,) = program.explain(case.path, case.inputs, [method], detection=rank, **case.options)[
        method
    ]
    layer = shown.report["layer"]
    if case.layer_of(detection):
        assert layer == case.layer_of(detection)
    oracle = Explained(case.oracle.module, case.layout, case.inputs, layer)
    activations, gradients = oracle.capture(detection)
    assert np.abs(gradients).max() > 0

    def forward(batch):
        return np.array([[logit(s)] for s in oracle.similarities(batch, detection)])

    capture = Capture(activations, gradients, forward(case.inputs)[0], None)
    expected = explain(
        method, case.inputs[0], capture, forward, 0, replace(defaults(method)), network=None
    )
    assert shown.report["class"] == detection.class_index
    own = similarity(detection, case.read)
    assert shown.report["probability"] == pytest.approx(own, abs=1e-5)
    assert shown.report["box"]["left"] == pytest.approx(detection.box[0], abs=1e-3)
    tolerance = 2e-3 if method in SCORED else 5e-4
    differences(
        f"{method}: raw map of a detection, relative",
        relative_difference(shown.raw, expected.raw),
        tolerance,
    )


def test_d_rise_scores(case, program, differences):
    """Recipro-CAM's map is the scores of single positions; Score-CAM's weights are scores, too."""
    detection = case.detections[0]
    class_scores = case.read.scores[detection.anchor]
    (shown,) = program.explain(
        case.path,
        case.inputs,
        ["score-cam"],
        detection_score="d-rise",
        score="probability",
        channel_softmax="off",
        **case.options,
    )["score-cam"]
    oracle = Explained(case.oracle.module, case.layout, case.inputs, shown.report["layer"])
    activations, gradients = oracle.capture(detection)

    def forward(batch):
        kind = "class" if case.layout.has_labels else "d-rise"
        return np.array([[s] for s in oracle.similarities(batch, detection, kind, class_scores)])

    capture = Capture(activations, gradients, forward(case.inputs)[0], None)
    options = replace(defaults("score-cam"), channel_softmax="off")
    expected = explain("score-cam", case.inputs[0], capture, forward, 0, options, network=None)
    differences(
        "score-cam: weights by D-RISE", np.abs(shown.weights - expected.weights).max(), 2e-4
    )


@pytest.mark.parametrize("kind", ["class", "d-rise"])
def test_rise(case, kind, program, differences):
    """D-RISE: random masks, weighted by the similarity of what is detected under them."""
    detection = case.detections[1]
    class_scores = case.read.scores[detection.anchor]
    own = "class" if case.layout.has_labels else kind
    total = np.zeros(SIZE)
    for mask in random_masks(SIZE, 40, 5, 0.5, 3):
        masked = np.float32(case.inputs * mask)
        (score,) = case.oracle.similarities(masked, detection, own, class_scores)
        total += score * mask / (40 * 0.5)
    shown = program.explain_composed(
        case.path,
        case.inputs,
        "rise",
        "",
        None,
        **{"samples": 40, "mask_cells": 5, "seed": 3, "detection_score": kind, "detection": 1},
        **case.options,
    )[0]
    differences(
        f"rise by {kind}: map of a detection", np.abs(shown.data - normalised(total)).max(), 2e-3
    )


@pytest.mark.parametrize("rank", [0, 1])
def test_full_grad(case, rank, program, differences):
    """Of the score of one box."""
    detection = case.detections[rank]
    module = copy.deepcopy(case.oracle.module).double()
    oracle = Explained(module, case.layout, case.inputs)

    def value_of(leaf):
        output = module(list(leaf) if getattr(case.layout, "takes_list", False) else leaf)
        return oracle.value_of(output, SIZE, detection)

    parts, _ = full_gradients(module, case.inputs, value_of)
    expected = normalised(sum(psi(part, SIZE, "channel", False) for part in parts))
    shown = program.explain_composed(
        case.path, case.inputs, "full-grad", "", None, detection=rank, **case.options
    )[0]
    differences("full-grad: map of a detection", np.abs(shown.data - expected).max(), 2e-3)


def test_opti_cam(case, program, differences):
    """Masked inputs have the boxes of networks that order them in another order."""
    detection = case.detections[0]
    (shown,) = program.explain_composed(
        case.path, case.inputs, "opti-cam", "", None, iterations=5, **case.options
    )
    module = copy.deepcopy(case.oracle.module).double()
    oracle = Explained(module, case.layout, case.inputs, shown.report["layer"])
    activations, _ = oracle.capture(detection)

    def value_of(masked):
        output = module(list(masked) if getattr(case.layout, "takes_list", False) else masked)
        return oracle.value_of(output, SIZE, detection)

    expected = opti_cam(
        torch.from_numpy(activations), torch.from_numpy(np.float64(case.inputs)), value_of, 5
    )
    # Channels without a gradient take steps of rounding, divided by Adam's epsilon of 1e-8.
    differences("opti-cam: map of a detection", np.abs(shown.data - expected).max(), 5e-3)


@pytest.mark.parametrize("rank", [0, 2])
def test_noisy_inputs(case, rank, program, differences):
    """Smooth Grad-CAM++ explains the same detection in every noisy input."""
    detection = case.detections[rank]
    options = replace(defaults("smooth-grad-cam++"), samples=3, sigma=0.3)
    (shown,) = program.explain(
        case.path,
        case.inputs,
        ["smooth-grad-cam++"],
        samples=3,
        sigma=0.3,
        detection=rank,
        **case.options,
    )["smooth-grad-cam++"]
    oracle = Explained(case.oracle.module, case.layout, case.inputs, shown.report["layer"])
    activations, gradients = oracle.capture(detection)

    class Noisy:
        @staticmethod
        def capture(noisy, _class_index):
            return Capture(*oracle.capture(detection, noisy[None]), None, None)

    weights = smooth_grad_cam_pp_weights(
        Capture(activations, gradients, None, None), case.inputs[0], 0, options, 0, Noisy
    )
    differences(
        "smooth-grad-cam++: weights of a detection, relative",
        relative_difference(shown.weights, weights),
        2e-3,
    )


def test_a_class_and_its_detections(case, program):
    """A class is explained by its most confident detection, and `detection` counts within it."""
    for class_index in {d.class_index for d in case.detections}:
        own = [d for d in case.detections if d.class_index == class_index]
        for rank, expected in enumerate(own[:2]):
            (shown,) = program.run_on(
                case.path,
                case.inputs,
                "--method=grad-cam",
                f"--class={class_index}",
                f"--detection={rank}",
                f"--detector={case.options['detector']}",
                "--json",
            )
            assert shown["class"] == class_index
            assert shown["box"]["left"] == pytest.approx(expected.box[0], abs=1e-3)


def test_a_box_is_matched(case, program):
    detection = case.detections[0]
    box = detection.box + np.array([0.4, -0.3, 0.2, 0.5])
    (shown,) = program.run_on(
        case.path,
        case.inputs,
        "--method=grad-cam",
        f"--class={detection.class_index}",
        "--box=" + ",".join(f"{side:.3f}" for side in box),
        f"--detector={case.options['detector']}",
        "--json",
    )
    expected = replace(detection, box=np.round(box, 3))
    assert shown["probability"] == pytest.approx(similarity(expected, case.read), abs=1e-5)
    assert shown["box"]["right"] == pytest.approx(box[2], abs=1e-3)


def failure(program, case, *arguments):
    np.save(case.path.with_suffix(".npy"), case.inputs)
    done = program.run("explain", case.path, "--tensor", case.path.with_suffix(".npy"), *arguments)
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_what_is_not_detected_is_refused(case, program):
    detector = f"--detector={case.options['detector']}"
    said = failure(program, case, detector, "--detection=299", "--method=grad-cam")
    assert "detection 299" in said
    said = failure(program, case, detector, "--detection-threshold=1", "--method=grad-cam")
    assert "confidence above 1" in said and "detection_threshold" in said
    said = failure(program, case, detector, "--target=against", "--method=grad-cam")
    assert "target" in said
    said = failure(program, case, detector, "--method=cam")
    assert "detector" in said


def test_layers_that_a_detection_does_not_depend_on_are_refused(program, tmp_path):
    case = Case("yolov8", tmp_path)
    fine = next(i for i, d in enumerate(case.detections) if d.anchor < case.fine_count)
    said = failure(
        program, case, f"--detection={fine}", "--layer=features.coarse", "--method=grad-cam"
    )
    assert "features.coarse" in said and "does not depend" in said


def test_ambiguous_layouts_are_refused(program, tmp_path):
    case = Case("yolov8-transposed", tmp_path)
    assert "option detector" in failure(program, case, "--method=grad-cam")


def test_evaluations_are_refused(sscam, tmp_path):
    case = Case("yolov8", tmp_path)
    with sscam.Model(case.path) as model, pytest.raises(sscam.UnsupportedError, match="detector"):
        sscam.Explainer(model, "grad-cam").classify(np.zeros((60, 60, 3), np.uint8))


def test_mirrored_inputs_have_mirrored_detections(case, program):
    """aug_smooth explains the detection in the mirror image as well."""
    (shown,) = program.run_on(
        case.path,
        case.inputs,
        "--method=grad-cam",
        "--aug-smooth=on",
        f"--detector={case.options['detector']}",
        "--json",
    )
    assert json.dumps(shown["box"]) and not shown["flat"]
    assert CLASSES

"""Explains torchvision's detectors, scripted with random weights, compared with eager PyTorch.

usage: run_detectors.py PROGRAM OPERATORS [--full] [--only NAME[,NAME...]]

PROGRAM is sscam; OPERATORS is built from detection_operators.cpp, for a torch that torchvision's
own library does not suit. Without --full small networks of torchvision's parts are tried, with it
those that torchvision has names for, too. Exit status 1 when anything differs, 77 without
torchvision.
"""

import argparse
import importlib.util
import pathlib
import sys
import tempfile
from dataclasses import replace

import numpy as np
import torch

if importlib.util.find_spec("torchvision") is None:
    print("skipped: no torchvision")
    sys.exit(77)

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "oracles"))
import cams
import detection_networks
import detectors
from detection_differences import GRADIENT_METHODS, difference, judge
from program import Program
from random_masks import random_masks

CHANNELS, SAMPLES = 4, 12


class Listed(detectors.Lists):
    """What eager detectors return: the list without the losses."""

    def rows(self, output, size):
        return super().rows((None, output), size)

    def value(self, output, anchor, class_index):
        return output[0]["scores"][anchor]


class Noisy:
    """Captures of a noisy input, as cams.smooth_grad_cam_pp_weights() asks for them."""

    def __init__(self, oracle, detection):
        self.oracle, self.detection = oracle, detection

    def capture(self, noisy, _class_index):
        return cams.Capture(*self.oracle.capture(self.detection, noisy[None]), None)


class Case:
    def __init__(self, arguments, name, detection, library, folder):
        module, self.inputs = detection_networks.build(name, detection)
        self.path = pathlib.Path(folder) / f"{name}.pt"
        torch.jit.script(module).save(str(self.path))
        self.program, self.library = Program(arguments.program), library
        self.oracle = detectors.Explained(module, Listed(), self.inputs)
        read = self.oracle.read(self.inputs)[0]
        found = detectors.detections(read, 0.0)
        assert len(found) >= 3, "the network detects too little to compare"
        # between the third score and the next one that differs, so that rounding does not count
        self.threshold = float(found[2].score) * 0.999 - 1e-4
        self.detections = detectors.detections(read, self.threshold)

    def options(self, rank):
        return {
            "flags": ("--library", self.library),
            "detection_threshold": self.threshold,
            "detection": rank,
            "calibrate": "off",
        }

    def shown(self, methods, rank, **options):
        return self.program.explain(
            self.path, self.inputs, methods, **self.options(rank), **options
        )

    def check_report(self, report, detection):
        own = np.array([report["box"][side] for side in ("left", "top", "right", "bottom")])
        assert report["class"] == detection.class_index, (report["class"], detection)
        assert np.abs(own - detection.box).max() < 0.05, (own, detection.box)
        assert report["layer"].startswith("backbone"), report["layer"]

    def forward(self, detection):
        return lambda batch: np.array(
            [[detectors.logit(score)] for score in self.oracle.similarities(batch, detection)]
        )

    def compare_layer_methods(self, rank):
        """{method: difference} of methods with a layer."""
        detection = self.detections[rank]
        methods = (*GRADIENT_METHODS, "eigen-cam", "score-cam")
        shown = self.shown(methods, rank, max_channels=CHANNELS)
        report = shown["grad-cam"][0].report
        self.check_report(report, detection)
        self.oracle.layer = self.layer = report["layer"]
        activations, gradients = self.oracle.capture(detection)
        assert np.abs(gradients).max() > 0, "the gradient is zero"
        forward = self.forward(detection)
        capture = cams.Capture(activations, gradients, forward(self.inputs)[0])
        found = {}
        for method in methods:
            if method == "eigen-cam" and shown[method][0].report["layer"] != report["layer"]:
                continue  # of the most confident box
            options = replace(cams.defaults(method), max_channels=CHANNELS)
            expected = cams.explain(method, self.inputs[0], capture, forward, 0, options)
            found[method] = difference(shown[method][0].raw, expected.raw)
        return found

    def compare_rise(self, rank):
        detection, size = self.detections[rank], self.inputs.shape[2:]
        total = np.zeros(size)
        for mask in random_masks(size, SAMPLES, 5, 0.5, 0):
            (score,) = self.oracle.similarities(np.float32(self.inputs * mask), detection)
            total += score * mask / (SAMPLES * 0.5)
        (shown,) = self.program.explain_composed(
            self.path,
            self.inputs,
            "rise",
            "",
            None,
            samples=SAMPLES,
            mask_cells=5,
            **self.options(rank),
        )
        return difference(shown.data, cams.normalised(total))

    def compare_noisy(self, rank):
        detection = self.detections[rank]
        options = replace(cams.defaults("smooth-grad-cam++"), samples=2, sigma=0.02)
        capture = cams.Capture(*self.oracle.capture(detection), None)
        expected = cams.smooth_grad_cam_pp_weights(
            capture, self.inputs[0], 0, options, 0, Noisy(self.oracle, detection)
        )
        (shown,) = self.shown(["smooth-grad-cam++"], rank, samples=2, sigma=0.02, layer=self.layer)[
            "smooth-grad-cam++"
        ]
        return difference(shown.weights, expected)

    def compare(self):
        found = {}
        for rank in (0, 2):
            differences = self.compare_layer_methods(rank)
            differences["rise"] = self.compare_rise(rank)
            differences["smooth-grad-cam++"] = self.compare_noisy(rank)
            for method, value in differences.items():
                found[method] = max(value, found.get(method, 0.0))
        return found


def try_network(arguments, name, detection, library):
    """Whether all maps agree."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            case = Case(arguments, name, detection, library, folder)
            found = case.compare()
        except AssertionError as error:
            print(f"{name}: FAILED: {error}", flush=True)
            return False
    return judge(name, case.layer, found)


def try_program(arguments):
    """A detector of one table of boxes and scores, as torch.export saves it."""
    if importlib.util.find_spec("torch.export") is None:
        return True
    kind, layout, given = detectors.LAYOUTS["yolov8"]
    module, methods = detectors.build(kind, **given), (*GRADIENT_METHODS, "eigen-cam")
    inputs = detection_networks.images(64).numpy()
    example = torch.from_numpy(np.concatenate([inputs, inputs]))
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "detector.pt2"
        program = torch.export.export(module, (example,), dynamic_shapes=(batch,))
        torch.export.save(program, path)
        shown = Program(arguments.program).explain(path, inputs, methods)
    report = shown["grad-cam"][0].report
    oracle = detectors.Explained(module, layout, inputs, report["layer"])
    (detection, *_) = detectors.detections(oracle.read(inputs)[0])
    capture = cams.Capture(*oracle.capture(detection), np.zeros(1))
    found = {
        method: difference(
            shown[method][0].raw,
            cams.explain(method, inputs[0], capture, None, 0, cams.defaults(method)).raw,
        )
        for method in methods
    }
    agrees = judge("yolov8's layout as a program", report["layer"], found)
    return agrees and report["class"] == detection.class_index


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("operators")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    detection, library = detection_networks.import_detection(arguments.operators)
    wanted = arguments.only.split(",") if arguments.only else None
    results = [
        try_network(arguments, name, detection, library)
        for name, (_, _, is_small) in detection_networks.NETWORKS.items()
        if (name in wanted if wanted else arguments.full or is_small)
    ]
    if not wanted:
        results.append(try_program(arguments))
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()

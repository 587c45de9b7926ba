"""Explains Ultralytics' detectors as it exports them to TorchScript, with random weights.

usage: run_ultralytics.py PROGRAM [--only NAME[,NAME...]] [--side PIXELS] [--keep FOLDER]

The networks are built from Ultralytics' descriptions, without internet access. The oracle is
autograd through the module that was traced, whose outputs are those of the file. --keep takes the
files from a folder, and writes there what it lacks. Exit status 1 when anything differs, 77 without
Ultralytics.
"""

import argparse
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile
from dataclasses import replace
from unittest import mock

import numpy as np
import torch

if importlib.util.find_spec("ultralytics") is None:
    print("skipped: no ultralytics")
    sys.exit(77)

import torchvision_import  # noqa: F401, Ultralytics imports torchvision

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "oracles"))
import cams
import detectors
from detection_differences import GRADIENT_METHODS, difference, judge
from detection_networks import images, level_scores, spread
from program import Program

CHANNELS = 3


class Labelled(detectors.LabelledShares):
    classes = 80


#: name: (layout, value of the option detector). Random weights put boxes far outside small inputs,
#: where the layout is not found by the boxes.
NETWORKS = {
    "yolov5n": (detectors.Columns(), "yolov8"),
    "yolov8n": (detectors.Columns(), "yolov8"),
    "yolov9t": (detectors.Columns(), "yolov8"),
    "yolov10n": (detectors.Columns(), "yolov8"),
    "yolo11n": (detectors.Columns(), "yolov8"),
    "yolo12n": (detectors.Columns(), "yolov8"),
    "rtdetr-l": (Labelled(), "rt-detr-labels"),
}


def export(name, side, path):
    """Exports a network whose batch norms suit its random weights: others would let the activations
    vanish within the first blocks, and with them every gradient."""
    from ultralytics import RTDETR, YOLO

    torch.manual_seed(0)
    is_transformer = name.startswith("rtdetr")  # whose decoder would amplify rounding
    network = (RTDETR if is_transformer else YOLO)(f"{name}.yaml")
    spread(network.model, side, lambda model, batch: model(torch.stack(batch)), not is_transformer)
    level_scores(network.model, r"cv3\.\d\.2$|dec_score_head\.\d$", images(side))
    modules = []
    trace = torch.jit.trace

    def keep(module, *given, **options):
        modules.append(module)
        return trace(module, *given, **options)

    folder = os.getcwd()
    with tempfile.TemporaryDirectory() as work, mock.patch("torch.jit.trace", keep):
        os.chdir(work)
        try:
            written = network.export(format="torchscript", imgsz=side, device="cpu", verbose=False)
            shutil.copy(written, path)
        finally:
            os.chdir(folder)
    torch.save(modules[0], path.with_suffix(".module"))


class Traced:
    """The module that a file was traced from, and the file."""

    def __init__(self, path, inputs):
        self.module = torch.load(path.with_suffix(".module"), weights_only=False).eval()
        self.inputs = inputs
        own, expected = (self.first(m) for m in (self.module, torch.jit.load(str(path))))
        assert difference(own.numpy(), expected.numpy()) < 1e-5, "the module is not the file's"

    def first(self, module):
        with torch.no_grad():
            output = module(torch.from_numpy(self.inputs))
        return output[0] if isinstance(output, (tuple, list)) else output

    def capture(self, layer, layout, detection):
        """A and dY/dA, [K,h,w]."""
        seen = []

        def cut(_module, _inputs, output):
            seen.append(output.detach().clone().requires_grad_())
            return seen[0].clone()

        hook = self.module.get_submodule(layer).register_forward_hook(cut)
        try:
            output = self.module(torch.from_numpy(self.inputs))
        finally:
            hook.remove()
        value = layout.value(output, detection.anchor, detection.class_index)
        (gradient,) = torch.autograd.grad(value, seen[0])
        return seen[0].detach().numpy()[0], gradient.numpy()[0]

    def read(self, layout, batch):
        with torch.no_grad():
            return [
                layout.rows(self.module(torch.from_numpy(row[None])), batch.shape[2:])[0]
                for row in batch
            ]


def compare(program, path, layout, option, side):
    """The default layer, and {method: difference}."""
    inputs = images(side).numpy()
    traced = Traced(path, inputs)
    (read,) = traced.read(layout, inputs)
    threshold = 0.999 * float(np.sort(read.confidence.max(1))[-20])
    detection = detectors.detections(read, threshold)[0]
    methods = (*GRADIENT_METHODS, "eigen-cam", "score-cam")
    shown = program.explain(
        path, inputs, methods, detector=option, detection_threshold=threshold,
        max_channels=CHANNELS, calibrate="off",
    )  # fmt: skip
    report = shown["grad-cam"][0].report
    assert report["class"] == detection.class_index, (report["class"], detection)
    assert abs(report["box"]["left"] - detection.box[0]) < 0.05, (report["box"], detection.box)
    activations, gradients = traced.capture(report["layer"], layout, detection)

    def forward(batch):
        rows = traced.read(layout, np.float32(batch))
        return np.array([[detectors.logit(detectors.similarity(detection, r))] for r in rows])

    capture = cams.Capture(activations, gradients, forward(inputs)[0])
    found = {}
    for method in methods:
        options = replace(cams.defaults(method), max_channels=CHANNELS)
        expected = cams.explain(method, inputs[0], capture, forward, 0, options)
        found[method] = difference(shown[method][0].raw, expected.raw)
    return report["layer"], found


def try_network(arguments, name, folder):
    path = pathlib.Path(folder) / f"{name}.torchscript"
    layout, option = NETWORKS[name]
    try:
        if not path.exists():
            export(name, arguments.side, path)
        layer, found = compare(Program(arguments.program), path, layout, option, arguments.side)
    except AssertionError as error:
        print(f"{name}: FAILED: {error}", flush=True)
        return False
    return judge(name, layer, found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", default="")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = arguments.only.split(",") if arguments.only else list(NETWORKS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or temporary
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        results = [try_network(arguments, name, folder) for name in names]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()

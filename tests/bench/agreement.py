#!/usr/bin/env python3
"""Compares libsscam's maps with those of the Python packages, method by method, under the matching
preset.

    SSCAM_LIBRARY=build-pip-2.13.0/lib/libsscam.so.1 build-pip-environment-2.13.0/bin/python3 \\
        tests/bench/agreement.py

Prints a table with the smallest cosine and the largest difference of the maps in [0,1] over some
photographs. Where a package differs from the publications or from libsscam, a row shows by how
much, and the next one what remains when that code of the package is corrected
(patched_packages.py). Exit status 1 when a row that has to agree does not. Methods that score
masked inputs are slow: they are compared on one photograph, the others on several, and
--few-channels runs them at an early layer. What it needs: see packages.py.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytorch_grad_cam
import pytorch_grad_cam.utils.model_targets as model_targets
import torch
import torchcam.methods

import patched_packages
from packages import (
    EARLIER_LAYERS,
    LAYERS,
    Subject,
    cosine,
    network_input,
    normalised,  # first: see there
    surroundings,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PHOTOGRAPHS = [
    "torchvision_dog1.jpg",
    "gnomecc_cat.jpg",
    "coral_parrot.jpg",
    "npm_koala.jpg",
    "skimage_coffee.png",
]
PASSES = (
    "score-cam",
    "ablation-cam",
    "ss-cam-mean",
    "is-cam",
)  # a pass of the network for each channel, or N
PACKAGES = {
    "torch-cam": Subject.by_torchcam,
    "pytorch-grad-cam": Subject.by_pytorch_grad_cam,
    "captum": Subject.by_captum,
}
FEW_CHANNELS = {"resnet18": "layer1", "squeezenet1_0": "features.3"}  # 64 and 128
MOST = 1e-3  # largest difference of maps that agree
MOST_OF_PASSES = (
    5e-3  # with hundreds of scores, in other batches and another variant of the network
)


@dataclass
class Comparison:
    method: str
    package: str
    kind: str  # the package's class
    ours: dict = field(default_factory=dict)
    theirs: dict = field(default_factory=dict)
    reason: str = ""  # why the maps are not the same
    patch: object = None  # of patched_packages.py; with it they are the same
    networks: str = "resnet18 squeezenet1_0"
    fused: bool = False  # over two layers

    def label(self):
        return self.method + "".join(f" {name}={value}" for name, value in self.ours.items())


def negative(score):
    return -score


class Against(model_targets.ClassifierOutputTarget):
    def __call__(self, output):
        return -super().__call__(output)


TORCH_CAM, GRAD_CAM = {"preset": "torch-cam"}, {"preset": "pytorch-grad-cam"}
NO_EPSILON = {"call": {"eps": 1e-30}}
DENOMINATOR = "sums A g^3 up, where the publication multiplies g^3 with the sum of A"
NEXT = {
    "target": None,
    "call": {"comparison_categories": [1]},
}  # against the class with the nearest score
SIGN = "takes v or -v, whichever the decomposition gives"
EPSILON = "adds 1e-6 to the denominator, as large as g^2"

TO_TORCH_CAM = [
    Comparison(
        "cam",
        "torch-cam",
        "CAM",
        {},
        {"fc_layer": "fc"},
        "applies no ReLU, which its documentation has",
        patched_packages.torchcam_cam,
        networks="resnet18",
    ),
    Comparison("grad-cam", "torch-cam", "GradCAM"),
    Comparison(
        "grad-cam",
        "torch-cam",
        "GradCAM",
        {},
        {"target_layer": None},
        "no layer named: classifier.2 there",
        networks="squeezenet1_0",
    ),
    Comparison("grad-cam", "torch-cam", "GradCAM", {"target": "against"}, {"target": negative}),
    Comparison(
        "grad-cam",
        "torch-cam",
        "FinerCAM",
        {"target": "difference"},
        {"gamma": 1.0, "num_references": 1},
    ),
    Comparison(
        "grad-cam",
        "torch-cam",
        "GradCAM",
        TORCH_CAM,
        {},
        "scales maps to [0,1] before upsampling them",
        patched_packages.torchcam_fusion,
        fused=True,
    ),
    Comparison(
        "grad-cam++",
        "torch-cam",
        "GradCAMpp",
        {},
        NO_EPSILON,
        f"divides a copy of alpha, so that alpha is g^2; {DENOMINATOR}",
        patched_packages.torchcam_grad_cam_pp,
    ),
    Comparison(
        "smooth-grad-cam++",
        "torch-cam",
        "SmoothGradCAMpp",
        TORCH_CAM,
        NO_EPSILON,
        f"{DENOMINATOR}; weighs the last noisy activations by the last noisy gradient; other noise",
        patched_packages.torchcam_smooth_grad_cam_pp,
    ),
    Comparison("xgrad-cam", "torch-cam", "XGradCAM"),
    Comparison("layer-cam", "torch-cam", "LayerCAM"),
    Comparison(
        "layer-cam",
        "torch-cam",
        "FinerCAM",
        {"target": "difference"},
        {"gamma": 1.0, "num_references": 1, "base_method": torchcam.methods.LayerCAM},
    ),
    Comparison(
        "layer-cam",
        "torch-cam",
        "LayerCAM",
        TORCH_CAM,
        {},
        "puts maps through tanh(2 x), then as above",
        patched_packages.torchcam_fusion,
        fused=True,
    ),
    Comparison("score-cam", "torch-cam", "ScoreCAM", TORCH_CAM),
    Comparison(
        "score-cam",
        "torch-cam",
        "ScoreCAM",
        {},
        {},
        "no preset: masks are scaled before upsampling there",
        networks="squeezenet1_0",
    ),
    Comparison(
        "score-cam",
        "torch-cam",
        "ScoreCAM",
        {**TORCH_CAM, "target": "against"},
        {"target": negative},
        networks="squeezenet1_0",
    ),
    Comparison(
        "ss-cam-mean",
        "torch-cam",
        "SSCAM",
        {**TORCH_CAM, "samples": 2},
        {"num_samples": 2},
        "other noise, two samples of it",
        patched_packages.library_noise,
    ),
    Comparison(
        "is-cam",
        "torch-cam",
        "ISCAM",
        {**TORCH_CAM, "samples": 2},
        {"num_samples": 2},
        "step i is the sum of 1/N to i/N, and so goes up to (N + 1) / 2",
        patched_packages.torchcam_is_cam,
    ),
]
TO_GRAD_CAM = [
    Comparison("grad-cam", "pytorch-grad-cam", "GradCAM"),
    Comparison(
        "grad-cam", "pytorch-grad-cam", "GradCAM", {"target": "against"}, {"target": Against}
    ),
    Comparison("grad-cam", "pytorch-grad-cam", "FinerCAM", {"target": "difference"}, NEXT),
    Comparison(
        "grad-cam",
        "pytorch-grad-cam",
        "FinerCAM",
        {"target": "difference", "contrast_weight": 0.6},
        {"target": None, "call": {"comparison_categories": [1], "alpha": 0.6}},
    ),
    Comparison("shapley-cam", "pytorch-grad-cam", "ShapleyCAM"),
    Comparison("kpca-cam", "pytorch-grad-cam", "KPCA_CAM"),
    Comparison(
        "grad-cam",
        "pytorch-grad-cam",
        "GradCAM",
        {"aug_smooth": True},
        {"call": {"aug_smooth": True}},
    ),
    Comparison(
        "grad-cam",
        "pytorch-grad-cam",
        "GradCAM",
        {"eigen_smooth": True},
        {"call": {"eigen_smooth": True}},
        SIGN,
        patched_packages.grad_cam_sign,
    ),
    Comparison(
        "grad-cam",
        "pytorch-grad-cam",
        "GradCAM",
        GRAD_CAM,
        {},
        "scales maps to [0,1] before upsampling them",
        patched_packages.grad_cam_fusion,
        fused=True,
    ),
    Comparison(
        "grad-cam++",
        "pytorch-grad-cam",
        "GradCAMPlusPlus",
        {},
        {},
        EPSILON,
        patched_packages.grad_cam_grad_cam_pp,
    ),
    Comparison("xgrad-cam", "pytorch-grad-cam", "XGradCAM"),
    Comparison("hires-cam", "pytorch-grad-cam", "HiResCAM"),
    Comparison(
        "hires-cam",
        "pytorch-grad-cam",
        "FinerCAM",
        {"target": "difference"},
        {**NEXT, "base_method": pytorch_grad_cam.HiResCAM},
    ),
    Comparison("layer-cam", "pytorch-grad-cam", "LayerCAM"),
    Comparison(
        "layer-cam",
        "pytorch-grad-cam",
        "LayerCAM",
        {"aug_smooth": True},
        {"call": {"aug_smooth": True}},
    ),
    Comparison(
        "layer-cam",
        "pytorch-grad-cam",
        "LayerCAM",
        {"eigen_smooth": True},
        {"call": {"eigen_smooth": True}},
        SIGN,
        patched_packages.grad_cam_sign,
    ),
    Comparison("grad-cam-elementwise", "pytorch-grad-cam", "GradCAMElementWise"),
    Comparison(
        "eigen-cam", "pytorch-grad-cam", "EigenCAM", {}, {}, SIGN, patched_packages.grad_cam_sign
    ),
    Comparison(
        "eigen-grad-cam",
        "pytorch-grad-cam",
        "EigenGradCAM",
        {},
        {},
        SIGN,
        patched_packages.grad_cam_sign,
    ),
    Comparison("seg-eigen-cam", "pytorch-grad-cam", "SegEigenCAM"),
    Comparison("score-cam", "pytorch-grad-cam", "ScoreCAM", GRAD_CAM),
    Comparison(
        "score-cam",
        "pytorch-grad-cam",
        "ScoreCAM",
        {},
        {},
        "no preset: the corners of masks are aligned there",
        networks="squeezenet1_0",
    ),
    Comparison(
        "score-cam",
        "pytorch-grad-cam",
        "ScoreCAM",
        {**GRAD_CAM, "score": "probability"},
        {"target": model_targets.ClassifierOutputSoftmaxTarget},
        networks="squeezenet1_0",
    ),
    Comparison("ablation-cam", "pytorch-grad-cam", "AblationCAM"),
]
TO_CAPTUM = [
    Comparison("grad-cam", "captum", "LayerGradCam"),
    Comparison("hires-cam", "captum", "LayerGradientXActivation"),
    Comparison("ablation-cam", "captum", "LayerFeatureAblation"),
]


@dataclass
class Differences:
    """Of the maps of several photographs."""

    cosine: float = 1.0
    largest: float = 0.0

    def add(self, theirs, ours):
        mine = ours.raw if theirs.shape == ours.raw.shape else ours.data
        self.largest = max(self.largest, float(np.abs(normalised(theirs) - normalised(mine)).max()))
        self.cosine = min(self.cosine, cosine(theirs, ours))


def compared(comparison, subject, inputs):
    """(differences from the unchanged package, those from the patched one)."""
    layers = [EARLIER_LAYERS[subject.name], subject.layer] if comparison.fused else None
    ours = subject.by_sscam(comparison.method, layers, **comparison.ours)
    theirs = PACKAGES[comparison.package](
        subject, comparison.kind, **({"layers": layers} if layers else {}), **comparison.theirs
    )
    unpatched, patched = Differences(), Differences()
    for tensor in inputs:
        subject.show(tensor)
        our_map = ours()
        unpatched.add(theirs(), our_map)
        if comparison.patch:
            with comparison.patch():
                patched.add(theirs(), our_map)
    return unpatched, patched


def show(comparison, subject, inputs):
    """Prints a row, or two; whether the maps agree as they have to."""
    start = time.perf_counter()
    layers = " (two layers)" if comparison.fused else ""
    if subject.layer != LAYERS[subject.name]:
        layers = f" ({subject.layer})"
    most = MOST_OF_PASSES if comparison.method in PASSES else MOST
    unpatched, patched = compared(comparison, subject, inputs)
    rows = [(unpatched, comparison.reason)]
    if comparison.patch:
        rows.append((patched, "patched"))
    agrees = rows[-1][0].largest <= most or bool(comparison.reason and not comparison.patch)
    for differences, remark in rows:
        if differences is rows[-1][0] and not agrees:
            remark = f"{remark} DIFFERS by more than {most}".strip()
        print(
            f"| {subject.name} | {comparison.label()}{layers} | "
            f"{comparison.package}: {comparison.kind} "
            f"| {len(inputs)} | {differences.cosine:.6f} | {differences.largest:.1e} | {remark} |",
            flush=True,
        )
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="resnet18,squeezenet1_0")
    parser.add_argument("--weights", default=SHARED / "models", help="folder of TorchScript files")
    parser.add_argument(
        "--photographs", default=SHARED / "photos", help=f"folder with {', '.join(PHOTOGRAPHS)}"
    )
    parser.add_argument("--only", default="", help="rows whose method begins so")
    parser.add_argument(
        "--few-channels",
        action="store_true",
        help="score masked inputs for an early layer's channels",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of libtorch, for all")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    inputs = [network_input(Path(options.photographs) / name) for name in PHOTOGRAPHS]
    print(surroundings())
    print(f"Photographs: {', '.join(PHOTOGRAPHS)}; where there is one, the first")
    print(
        "| network | method and options | package: class | photographs | cosine "
        "| largest difference | remark |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks.split(","):
            subject = Subject(name, options.weights, folder)
            for comparison in TO_TORCH_CAM + TO_GRAD_CAM + TO_CAPTUM:
                if name in comparison.networks and comparison.method.startswith(options.only):
                    in_passes = comparison.method in PASSES
                    subject.layer = (
                        FEW_CHANNELS if in_passes and options.few_channels else LAYERS
                    )[name]
                    different += not show(comparison, subject, inputs[:1] if in_passes else inputs)
    print(f"{different} differ that should not")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

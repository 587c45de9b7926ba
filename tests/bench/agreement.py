#!/usr/bin/env python3
"""Whether libsscam's maps are those of the Python packages, method by method, under the matching preset.

    SSCAM_LIBRARY=build-pip/lib/libsscam.so.1 build-pip-environment/bin/python3 tests/bench/agreement.py

Prints a table with the cosine and the largest difference of the maps in [0,1]; exit status 1 when a row that is meant
to agree does not. Rows that are not meant to say why. What it needs: see packages.py.
"""

import argparse
import sys
import tempfile

import numpy as np
import torch

from packages import Subject, cosine, normalised, surroundings

MOST = 5e-3  # largest difference of maps that agree; peers resize with OpenCV, and round otherwise

# Method, the peer's class, options of ours, options of the peer's, why they differ (None: they must agree).
TORCHCAM = [
    ("cam", "CAM", {}, {}, None),
    ("grad-cam", "GradCAM", {}, {}, None),
    ("grad-cam++", "GradCAMpp", {}, {}, "adds A g^3 up place by place, where the publication multiplies sum A with g^3"),
    ("smooth-grad-cam++", "SmoothGradCAMpp", {"samples": 4}, {"num_samples": 4}, "its noise is another draw"),
    ("xgrad-cam", "XGradCAM", {}, {}, None),
    ("layer-cam", "LayerCAM", {}, {}, None),
    ("score-cam", "ScoreCAM", {"preset": "torch-cam"}, {}, None),
    ("ss-cam-mean", "SSCAM", {"preset": "torch-cam", "samples": 4}, {"num_samples": 4}, "its noise is another draw"),
    ("is-cam", "ISCAM", {"preset": "torch-cam", "samples": 4}, {"num_samples": 4},
     "its coefficients add up to more than 1"),
]
PYTORCH_GRAD_CAM = [
    ("grad-cam", "GradCAM", {}, None),
    ("grad-cam++", "GradCAMPlusPlus", {}, "adds 1e-6 to the denominator, which counts where gradients are small"),
    ("xgrad-cam", "XGradCAM", {}, None),
    ("hires-cam", "HiResCAM", {}, None),
    ("layer-cam", "LayerCAM", {}, None),
    ("grad-cam-elementwise", "GradCAMElementWise", {}, None),
    ("eigen-cam", "EigenCAM", {}, "the sign of a principal component is arbitrary there"),
    ("eigen-grad-cam", "EigenGradCAM", {}, "the sign of a principal component is arbitrary there"),
    ("score-cam", "ScoreCAM", {"preset": "pytorch-grad-cam"}, None),
    ("ablation-cam", "AblationCAM", {}, "sets to a value below the minimum, where the publication sets to 0"),
]


def rows(subject):
    for method, kind, options, their_options, reason in TORCHCAM:
        if method == "cam" and subject.name != "resnet18":
            continue  # its head is found there alone
        yield method, "torch-cam", subject.by_torchcam(kind, **their_options), subject.by_sscam(method, **options), reason
    for method, kind, options, reason in PYTORCH_GRAD_CAM:
        yield method, "pytorch-grad-cam", subject.by_pytorch_grad_cam(kind), subject.by_sscam(method, **options), reason
    yield "grad-cam", "captum", subject.by_captum(), subject.by_sscam("grad-cam"), None


def compare(subject, method, peer, theirs, ours, reason):
    """Prints a row; whether it is as it should be."""
    try:
        their_map = np.asarray(theirs())
    except Exception as error:  # what fails in a peer is no fault of ours
        print(f"| {subject.name} | {method} | {peer} | | | it fails: {str(error).splitlines()[0]} |", flush=True)
        return True
    our_map = ours()
    mine = our_map.raw if their_map.shape == our_map.raw.shape else our_map.data
    difference = float(np.abs(normalised(their_map) - normalised(mine)).max())
    agrees = difference <= MOST
    remark = ("" if agrees else "DIFFERS") if reason is None else reason
    print(f"| {subject.name} | {method} | {peer} | {cosine(their_map, our_map):.6f} | {difference:.1e} | {remark} |",
          flush=True)
    return agrees or reason is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="resnet18,squeezenet1_0")
    parser.add_argument("--weights", help="folder of TorchScript files whose weights to take")
    options = parser.parse_args()
    torch.set_num_threads(2)
    print(surroundings())
    print("| network | method | peer | cosine | largest difference | remark |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    agree = True
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks.split(","):
            subject = Subject(name, options.weights, folder)
            for row in rows(subject):
                agree = compare(subject, *row) and agree
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compares times and maps of libsscam and the Python packages for class activation maps.

    SSCAM_LIBRARY=build-pip-2.13.0/lib/libsscam.so.1 \\
        build-pip-environment-2.13.0/bin/python3 tests/bench/peers.py

All run in turn in one process, on one libtorch, with the same number of threads; medians are shown.
What it needs: see packages.py. Networks have random weights unless --weights names a folder of
TorchScript files named after them.
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np
import torch

from packages import FAST_FORMS, Subject, cosine, surroundings


def rows(subject, samples):
    """(what, peer, the peer's run, ours): options of ours are the peer's preset."""
    torch_cam, grad_cam = {"preset": "torch-cam"}, {"preset": "pytorch-grad-cam"}
    return [
        ("grad-cam", "torch-cam", subject.by_torchcam("GradCAM"), subject.by_sscam("grad-cam")),
        (
            "grad-cam",
            "pytorch-grad-cam",
            subject.by_pytorch_grad_cam("GradCAM"),
            subject.by_sscam("grad-cam"),
        ),
        ("grad-cam", "captum", subject.by_captum(), subject.by_sscam("grad-cam")),
        (
            "grad-cam++",
            "pytorch-grad-cam",
            subject.by_pytorch_grad_cam("GradCAMPlusPlus"),
            subject.by_sscam("grad-cam++"),
        ),
        (
            "score-cam",
            "torch-cam",
            subject.by_torchcam("ScoreCAM"),
            subject.by_sscam("score-cam", **torch_cam),
        ),
        (
            "score-cam",
            "pytorch-grad-cam",
            subject.by_pytorch_grad_cam("ScoreCAM"),
            subject.by_sscam("score-cam", **grad_cam),
        ),
        *(
            (
                "score-cam",
                f"pytorch-grad-cam with {form}",
                subject.by_fast_grad_cam(form),
                subject.by_sscam("score-cam", **grad_cam),
            )
            for form in FAST_FORMS
        ),
        (
            f"ss-cam-mean, N = {samples}",
            "torch-cam",
            subject.by_torchcam("SSCAM", num_samples=samples),
            subject.by_sscam("ss-cam-mean", samples=samples, preset="torch-cam"),
        ),
    ]


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="resnet18,squeezenet1_0")
    parser.add_argument("--weights", help="folder of TorchScript files whose weights to take")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=2, help="N of SS-CAM")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of libtorch, for all")
    parser.add_argument("--only", help="rows whose method begins so")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{surroundings()}; medians of {options.rounds}", flush=True)
    print("| network | method | peer | peer, s | libsscam, s | ratio | cosine of the maps | way |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks.split(","):
            subject = Subject(name, options.weights, folder)
            for method, peer, theirs, ours in rows(subject, options.samples):
                if options.only and not method.startswith(options.only):
                    continue
                ours()  # measures the fastest plan, once for a loaded network
                theirs()  # compiles the network, where the peer does
                times = []
                for _ in range(options.rounds):
                    their_time, their_map = timed(theirs)
                    our_time, our_map = timed(ours)
                    times.append((their_time, our_time))
                a, b = (statistics.median(column) for column in zip(*times))
                ratio = statistics.median(x / y for x, y in times)
                way = ", ".join(map(str, our_map.diagnostics.values()))
                print(
                    f"| {name} | {method} | {peer} | {a:.3f} | {b:.3f} | {ratio:.2f} | "
                    f"{cosine(np.asarray(their_map), our_map):.6f} | {way} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

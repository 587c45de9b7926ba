#!/usr/bin/env python3
"""Measures what the options tolerance and noise save, and whether the stated error holds.

    SSCAM_LIBRARY=build/lib/libsscam.so.1 PYTHONPATH=python python3 tests/bench/tolerance.py \\
        MODEL.pt IMAGE... [--layer NAME] [--samples 200] [--set resize=112 --set crop=96]

The network is run by torch, on the activations of a layer that a hook reads, and its logits for a
masked input are kept: maps within a tolerance are then those of lookups, since their masked inputs
are some of those of the map of all samples. Prints a line for each noise, sigma and tolerance: the
share of passes saved and how many maps differ from that of all samples by no more than the error
that they state. Exit status 1 where fewer than 95 % do.
"""

import argparse
import hashlib
import sys

import numpy as np
import torch

import sscam


class Network:
    """Logits of masked inputs, kept by their content, and the activations of one layer."""

    def __init__(self, path: str, layer: str) -> None:
        self.module = torch.jit.load(path).eval()
        self.layer, self.kept, self.found = layer, {}, None
        self.part = torch.jit.load(path).eval()
        # Scripted modules have no hooks that see a submodule alone: the layers before are called.
        self.before = [child for name, child in self.part.named_children()]
        self.names = [name for name, _ in self.part.named_children()]

    def activations(self, inputs: torch.Tensor) -> torch.Tensor:
        first, _, _ = self.layer.partition(".")
        for name, child in zip(self.names, self.before):
            inputs = child(inputs)
            if name == first:
                return inputs
        raise SystemExit(f"no layer {self.layer}")

    def __call__(self, inputs, layer):
        keys = [hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in inputs]
        missing = [i for i, key in enumerate(keys) if key not in self.kept]
        with torch.inference_mode():
            if missing:
                logits = self.module(torch.from_numpy(inputs[missing])).numpy()
                for i, values in zip(missing, logits):
                    self.kept[keys[i]] = values.copy()
            logits = np.stack([self.kept[key] for key in keys])
            if layer is None:
                return logits
            return logits, self.activations(torch.from_numpy(inputs)).numpy()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--layer", default="features")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--classes", type=int, default=1, help="the highest so many of an image")
    parser.add_argument("--sigma", default="0.25,1,4")
    parser.add_argument("--tolerances", default="0.01,0.02,0.05")
    parser.add_argument("--noises", default="independent,common")
    parser.add_argument("--method", default="ss-cam-mean")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    common = dict(one.split("=", 1) for one in options.set)
    network = Network(options.model, options.layer)
    model = sscam.Model.from_function(network, {options.layer: None}, preferred_batch=16)
    classes = [sscam.Ranked(i + 1) for i in range(options.classes)]
    fails = 0
    print("| noise | sigma | tolerance | maps | passes saved | error holds in | largest error |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for noise in options.noises.split(","):
        for sigma in options.sigma.split(","):
            rows = {tolerance: [] for tolerance in options.tolerances.split(",")}
            for image in options.images:
                network.kept.clear()
                same = {**common, "noise": noise, "sigma": sigma, "samples": options.samples}
                explainer = sscam.Explainer(model, options.method, **same)
                (whole,) = sscam.explain_all([explainer], image, classes=classes)
                whole_passes = sum(found.passes for found in whole)
                for tolerance, row in rows.items():
                    early = sscam.Explainer(model, options.method, **same, tolerance=tolerance)
                    for target, exact in zip(classes, whole):
                        found = early.explain(image, target)
                        error = float(np.abs(found.data - exact.data).max())
                        row.append((found.passes / whole_passes, error, found.estimated_error))
            for tolerance, row in rows.items():
                holds = sum(error <= stated + 1e-5 for _, error, stated in row)
                fails += holds < 0.95 * len(row)
                saved = 100 * (1 - sum(share for share, _, _ in row) / len(row))
                largest = max(error for _, error, _ in row)
                print(
                    f"| `{noise}` | {sigma} | {tolerance} | {len(row)} | {saved:.1f} % | {holds} "
                    f"| {largest:.4f} |",
                    flush=True,
                )
    return fails > 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes the demo's network as an ONNX file for engines other than libtorch.

usage: export_onnx.py clothes.pt clothes.onnx

The file has two outputs: `logits`, and `features`, the activations of the layer to explain, so that
an engine that shows only outputs can give them. The number of inputs is free.
"""

import sys

import torch

INPUT = (1, 3, 224, 224)


class WithFeatures(torch.nn.Module):
    """The network's parts, with the activations before the pooling as a second output."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixels):
        features = self.network.features(pixels)
        pooled = torch.flatten(self.network.pool(features), 1)
        return self.network.classifier(pooled), features


def export(source, target):
    network = torch.jit.load(source, map_location="cpu").eval()
    torch.onnx.export(
        torch.jit.trace(WithFeatures(network), torch.zeros(INPUT)),
        torch.zeros(INPUT),
        target,
        input_names=["pixels"],
        output_names=["logits", "features"],
        dynamic_axes={name: {0: "N"} for name in ("pixels", "logits", "features")},
        opset_version=11,
    )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    export(*sys.argv[1:])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Explains a network that runs in ONNX Runtime.

usage: onnx_runtime.py MODEL.onnx IMAGE EXPLAINED.png [METHOD]

The network's first output is its logits; its outputs of rank 4 are layers to explain. Needs
onnxruntime from PyPI.
"""

import sys

import onnxruntime

import sscam


def load(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = session.get_inputs()[0].name
    logits, *others = session.get_outputs()
    layers = [output.name for output in others if len(output.shape) == 4]

    def run(inputs, layer):
        if layer is None:
            return session.run([logits.name], {pixels: inputs})[0]
        return session.run([logits.name, layer], {pixels: inputs})

    return sscam.Model.from_function(
        run, layers, name=str(path), input_shape=(0, 3, 0, 0), thread_safe=True
    )


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__.split("\n\n")[1])
    path, image, explained, *method = sys.argv[1:]
    try:
        found = load(path).explain(image, *method)
        sscam.write_png(explained, found.overlay(image))
    except sscam.SscamError as failure:
        sys.exit(f"onnx_runtime.py: {failure}")
    print(f"class {found.class_index}, layer {found.layer}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Write clothes.pt2, the program of torch.export, from the weights of clothes.pt.

    python3 examples/demo/export_clothes.py [--output FILE]

Needs PyTorch 2.6 or later.  Batch, height and width are dynamic, as they are in
the TorchScript file.
"""

import argparse
from pathlib import Path

import torch
from torch.export import Dim

from clothes_network import ClothesNet

HERE = Path(__file__).resolve().parent
SMALLEST_SIDE = 32  # of which the last feature map is 4 x 4


def network():
    result = ClothesNet().eval()
    result.load_state_dict(torch.jit.load(str(HERE / "clothes.pt")).state_dict())
    return result.requires_grad_(False)


def without_source_paths(program):
    """Leaves out where each operation stands in Python: paths of the machine that exports."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes:
            node.meta.pop("stack_trace", None)
    return program


def export(output):
    sides = {
        0: Dim("batch", min=1, max=4096),
        2: Dim("height", min=SMALLEST_SIDE, max=8192),
        3: Dim("width", min=SMALLEST_SIDE, max=8192),
    }
    example = torch.zeros(2, 3, SMALLEST_SIDE, 40)  # is stored in the file
    program = torch.export.export(network(), (example,), dynamic_shapes=(sides,))
    torch.export.save(without_source_paths(program), output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "clothes.pt2", metavar="FILE")
    export(parser.parse_args().output)


if __name__ == "__main__":
    main()

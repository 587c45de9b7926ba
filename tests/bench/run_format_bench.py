"""Compares Score-CAM on a program of torch.export with the same network as TorchScript.

usage: run_format_bench.py FORMAT_BENCH NETWORK [METHOD [ROUNDS]]

NETWORK is one of torchvision's; weights are random, the program's batch is dynamic.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "matrix"))
from torchvision_import import torchvision


def main():
    program, name, *arguments = sys.argv[1:]
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    network = getattr(torchvision.models, name)(weights=None).eval()
    batch = {0: torch.export.Dim("batch", min=1, max=1024)}
    with tempfile.TemporaryDirectory() as folder:
        scripted, exported = (pathlib.Path(folder) / f"{name}.{end}" for end in ("pt", "pt2"))
        torch.jit.script(network).save(str(scripted))
        example = (torch.rand(2, 3, 224, 224),)
        torch.export.save(torch.export.export(network, example, dynamic_shapes=(batch,)), exported)
        return subprocess.run([program, scripted, exported, *arguments]).returncode


if __name__ == "__main__":
    sys.exit(main())

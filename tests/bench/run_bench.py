"""Measures one of torchvision's networks, with random weights: run_bench.py SSCAM_BENCH NETWORK
[ARGUMENT...]"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import torchvision


def main():
    program, name, *arguments = sys.argv[1:]
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.pt"
        torch.jit.script(getattr(torchvision.models, name)(weights=None).eval()).save(str(path))
        return subprocess.run([program, path, *arguments]).returncode


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes the seeds of the target torchscript: torchscript_seeds.py FOLDER. Needs Debian's torch.

Small networks of every kind of file that torch.jit.save writes; all take inputs of 3 x 12 x 12.
"""
import sys
import warnings
import zipfile
from pathlib import Path

import torch


class Branching(torch.nn.Module):
    """Control flow, a submodule, a buffer of integers, attributes of several types."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.last = torch.nn.Linear(4, 3)
        self.register_buffer("calls", torch.zeros(1, dtype=torch.int64))
        self.names = {"cat": 0, "dog": 1}
        self.scales = [0.5, 2.0]
        self.title = "branching"

    def forward(self, x):
        x = torch.relu(self.first(x))
        if x.dim() == 4 and len(self.names) > 1:
            for scale in self.scales:
                x = x * scale
        return self.last(x.mean([2, 3]))


def plain():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(),
                               torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3))


def save(module, path, without=()):
    """Writes the file again as small as its reader allows: no alignment, and without some of its records."""
    torch.jit.save(module, path)
    with zipfile.ZipFile(path) as archive:
        records = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in records:
            if not entry.filename.endswith(without):
                archive.writestr(zipfile.ZipInfo(entry.filename), content, entry.compress_type)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    torch.manual_seed(7)
    image = torch.rand(1, 3, 12, 12)
    save(torch.jit.script(Branching().eval()), folder / "seed-scripted.pt", (".debug_pkl",))
    save(torch.jit.trace(plain().eval(), image), folder / "seed-traced.pt", (".debug_pkl",))
    save(torch.jit.freeze(torch.jit.script(plain().eval())), folder / "seed-frozen.pt")


if __name__ == "__main__":
    main()

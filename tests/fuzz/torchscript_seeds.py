#!/usr/bin/env python3
"""Writes the seeds of the target torchscript: torchscript_seeds.py FOLDER. Needs Debian's torch.

Small networks of every kind of file that torch.jit.save writes; all take inputs of 3 x 12 x 12. And
files that must be refused, made of them: each has a tensor that claims more than its record has.
"""

import struct
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

import torchscript_mutations as mutations


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


class Listing(torch.nn.Module):
    """Tensors that are neither parameters nor buffers."""

    tables: list[Tensor]

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3)
        self.tables = [torch.ones(1), torch.rand(4, 9)]

    def forward(self, x):
        return torch.relu(self.first(x) * self.tables[0]).mean([2, 3]).matmul(self.tables[1])


def plain():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    )


def save(module, path, without=()):
    """Writes the file again as small as its reader allows: no alignment, and without some of its
    records."""
    torch.jit.save(module, path)
    with zipfile.ZipFile(path) as archive:
        records = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in records:
            if not entry.filename.endswith(without):
                archive.writestr(zipfile.ZipInfo(entry.filename), content, entry.compress_type)


def write(path, records):
    path.write_bytes(mutations.write_records(records))


def damage(folder, seed, refused, damaged, change):
    """Writes a seed again with one record changed."""
    records = mutations.read_records((folder / f"seed-{seed}.pt").read_bytes())
    write(
        folder / f"refused-{refused}.pt",
        [
            (name, change(content) if name.endswith(f"/{damaged}") else content, way)
            for name, content, way in records
        ],
    )


def with_number(storage, which, number):
    """A change of data.pkl: one of the numbers after a storage's name, which are its elements, then
    those of its tensor: the offset, the sizes and the strides."""

    def change(content):
        operations = mutations.split_pickle(content)
        name = b"X" + struct.pack("<I", len(storage)) + storage.encode()
        numbers = [
            i for i in range(operations.index(name), len(operations)) if operations[i][:1] == b"K"
        ]
        operations[numbers[which]] = b"J" + struct.pack("<i", number)
        return b"".join(operations)

    return change


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    torch.manual_seed(7)
    image = torch.rand(1, 3, 12, 12)
    save(torch.jit.script(Branching().eval()), folder / "seed-scripted.pt", (".debug_pkl",))
    save(torch.jit.trace(plain().eval(), image), folder / "seed-traced.pt", (".debug_pkl",))
    save(torch.jit.freeze(torch.jit.script(plain().eval())), folder / "seed-frozen.pt")
    save(torch.jit.script(Listing().eval()), folder / "seed-listing.pt", (".debug_pkl",))
    write(
        folder / "seed-compressed.pt",
        [
            (name, content, zipfile.ZIP_DEFLATED)
            for name, content, _ in mutations.read_records(
                (folder / "seed-scripted.pt").read_bytes()
            )
        ],
    )
    damage(folder, "scripted", "short-weight", "data/1", lambda content: content[:-4])
    damage(folder, "frozen", "empty-constant", "constants/3", lambda content: b"")
    damage(folder, "traced", "vast-tensor", "data.pkl", with_number("8", 0, 1 << 26))
    damage(folder, "scripted", "wide-view", "data.pkl", with_number("3", 3, 200))
    damage(folder, "scripted", "negative-offset", "data.pkl", with_number("3", 1, -4))
    damage(folder, "listing", "short-element", "data/1", lambda content: content[:100])


if __name__ == "__main__":
    main()

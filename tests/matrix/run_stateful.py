"""Networks that change their own attributes, used by several threads: run_stateful.py PROBE

PROBE is the program built from sharing_probe.c, which fails when any result depends on earlier or
simultaneous runs.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch
from torch import Tensor, nn

SIDE = 48
OUTSIDE = torch.zeros(10)


class Counting(nn.Module):
    """Counts its calls, keeps activations and changes a buffer in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 10)
        self.register_buffer("seen", torch.zeros(10))
        self.last = torch.zeros(1)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = torch.relu(self.conv(x))
        self.seen.add_(self.head.bias)
        return self.head(self.last.mean([2, 3])) + self.seen + 0.1 * self.calls


class ConstantTensor(nn.Module):
    """Tracing makes a constant of a tensor that is no parameter or buffer; it changes in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        features = torch.relu(self.conv(x))
        return self.head(features.mean([2, 3])) + OUTSIDE.add_(1.0)


def files(folder):
    torch.manual_seed(5)
    example = torch.rand(1, 3, SIDE, SIDE)
    yield torch.jit.script(Counting().eval()), folder / "counting.pt"
    yield torch.jit.freeze(torch.jit.script(Counting().eval())), folder / "counting_frozen.pt"
    yield (
        torch.jit.trace(ConstantTensor().eval(), example, check_trace=False),
        folder / "constant.pt",
    )


def main():
    warnings.simplefilter("ignore")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for network, path in files(pathlib.Path(folder)):
            network.save(str(path))
            done = subprocess.run(
                [sys.argv[1], str(path), "3", str(SIDE), str(SIDE)],
                capture_output=True,
                text=True,
                timeout=100,
            )
            print(path.name, done.returncode, done.stderr.strip())
            failed |= done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())

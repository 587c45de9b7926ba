"""Networks whose results depend on what else runs: run_stateful.py PROBE

They change their own attributes, or mix the rows of a batch. PROBE is the program built from
sharing_probe.c, which fails when any result depends on earlier or simultaneous runs or on the size
of batches. The logits that it writes are those of the network's first run in Python, in evaluation
mode.
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


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 10)

    def features(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x))

    def classify(self, features: Tensor) -> Tensor:
        return self.head(features.mean([2, 3]))


class Counting(Classifier):
    """Counts its calls, keeps activations and changes a buffer in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(10))
        self.last = torch.zeros(1)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = self.features(x)
        self.seen.add_(self.head.bias)
        return self.classify(self.last) + self.seen + 0.1 * self.calls


class Remembering(Classifier):
    """Adds a running mean of the logits of all rows so far."""

    def __init__(self):
        super().__init__()
        self.last = torch.zeros(1, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.classify(self.features(x))
        self.last = 0.5 * self.last + logits.mean(0, keepdim=True)
        return logits + self.last


class ListOfTensors(Classifier):
    """Changes an element of a list, and statistics that are elements of it."""

    def __init__(self):
        super().__init__()
        self.tensors = [torch.zeros(8), torch.ones(8), torch.zeros(10)]

    def forward(self, x: Tensor) -> Tensor:
        self.tensors[2].add_(0.5)
        features = torch.batch_norm(
            self.conv(x), None, None, self.tensors[0], self.tensors[1], True, 0.1, 1e-5, False
        )
        return (
            self.classify(features)
            + self.tensors[2]
            + self.tensors[0].sum()
            + self.tensors[1].sum()
        )


class OneTensorOfTwoNames(Classifier):
    def __init__(self):
        super().__init__()
        tensor = torch.zeros(10)
        self.register_buffer("changed", tensor)
        self.register_buffer("read", tensor)

    def forward(self, x: Tensor) -> Tensor:
        self.changed.add_(0.5)
        return self.classify(self.features(x)) + self.read


class ConstantTensor(Classifier):
    """Changes a tensor, neither parameter nor buffer, of which tracing makes a constant."""

    def forward(self, x):
        return self.classify(self.features(x)) + OUTSIDE.add_(1.0)


class Normalized(Classifier):
    """Reads running statistics, which it would update if it ran as it was traced, in training
    mode. It runs as in evaluation mode."""

    norm_type = nn.BatchNorm2d

    def __init__(self):
        super().__init__()
        self.norm = self.norm_type(8, track_running_stats=True)

    def forward(self, x):
        features = torch.relu(self.norm(self.conv(x)))
        return self.classify(features) + self.norm.running_mean.sum() + self.norm.running_var.sum()


class InstanceNormalized(Normalized):
    norm_type = nn.InstanceNorm2d


class NativelyNormalized(Classifier):
    """Statistics that are views of buffers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("statistics", torch.stack([torch.zeros(8), torch.ones(8)]))

    def forward(self, x):
        mean, variance = self.statistics[0], self.statistics[1]
        features = torch.native_batch_norm(
            self.conv(x), None, None, mean, variance, self.training, 0.1, 1e-5
        )[0]
        return self.classify(torch.relu(features)) + self.statistics.sum()


class BatchStatistics(Classifier):
    """Keeps nothing, but normalizes by the statistics of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(
            torch.relu(nn.functional.batch_norm(self.conv(x), None, None, training=True))
        )


class BatchRange(Classifier):
    """Scales by the range of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features((x - x.min()) / (x.max() - x.min())))


SCRIPTED = (
    Counting,
    Remembering,
    ListOfTensors,
    OneTensorOfTwoNames,
    BatchStatistics,
    BatchRange,
)
TRACED_WHILE_TRAINING = (ConstantTensor, Normalized, InstanceNormalized, NativelyNormalized)


def forms():
    """Name, module, and the network in evaluation mode, where its logits are not the module's."""
    for network in SCRIPTED:
        scripted = torch.jit.script(network().eval())
        yield f"{network.__name__}, scripted", scripted, None
        yield f"{network.__name__}, scripted and frozen", torch.jit.freeze(scripted), None
    example = torch.rand(1, 3, SIDE, SIDE)
    for network in TRACED_WHILE_TRAINING:
        eager = network()
        traced = torch.jit.trace(eager.train(), example, check_trace=False)
        evaluated = eager.eval() if isinstance(eager, (Normalized, NativelyNormalized)) else None
        yield f"{network.__name__}, traced while training", traced, evaluated
        # Optimizing would fold a batch norm into the convolution, as in evaluation mode.
        frozen = torch.jit.freeze(traced.eval(), optimize_numerics=False)
        yield f"{network.__name__}, traced and frozen", frozen, evaluated


def first_logits(network):
    # The probe's input.
    values = torch.sin(torch.arange(3 * SIDE * SIDE, dtype=torch.float32) * 0.37)
    with torch.no_grad():
        return network(values.view(1, 3, SIDE, SIDE)).flatten()


def fault_of(probe, network, path, evaluated):
    network.save(path)
    done = subprocess.run(
        [probe, path, "3", str(SIDE), str(SIDE)], capture_output=True, text=True, timeout=100
    )
    if done.returncode != 0:
        return f"status {done.returncode}: {done.stderr.strip()}"
    found = torch.tensor([float(logit) for logit in done.stdout.split()])
    expected = first_logits(evaluated or torch.jit.load(path).eval())
    is_equal = torch.allclose(found, expected, rtol=1e-4, atol=1e-5)
    return None if is_equal else f"logits {found} instead of {expected}"


def main():
    warnings.simplefilter("ignore")
    torch.manual_seed(5)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, network, evaluated in forms():
            path = str(pathlib.Path(folder) / "network.pt")
            fault = fault_of(sys.argv[1], network, path, evaluated)
            print(f"{name}: {fault or 'ok'}", flush=True)
            failed |= fault is not None
    return failed


if __name__ == "__main__":
    sys.exit(main())

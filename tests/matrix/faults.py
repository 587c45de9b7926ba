"""Files and networks that the backend must refuse, with the status and a part of the message."""

import torch
from torch import Tensor, nn

import networks


class Raises(networks.Classifier):
    def forward(self, x: Tensor) -> Tensor:
        if x.size(1) == 3:
            raise ValueError("three channels are one too many")
        return self.classify(self.stem(x))


class FourChannels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).mean([2, 3])


class TwoInputs(networks.Classifier):
    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        return self.classify(self.stem(x)) * scale


class NoTensor(networks.Classifier):
    def forward(self, x: Tensor) -> str:
        return "cat"


class DenseInThree(networks.Classifier):
    """Classes at positions of a volume, where images have none."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.stem(x), self.stem(x)], 2)


class NoForward(networks.Classifier):
    @torch.jit.export
    def predict(self, x: Tensor) -> Tensor:
        return self.classify(self.stem(x))


def script_of(constructor):
    return lambda path: torch.jit.script(constructor().eval()).save(path)


def write_bytes(change):
    """A valid file, changed."""

    def write(path):
        script_of(networks.ReluTwice)(path)
        with open(path, "rb") as file:
            data = change(file.read())
        with open(path, "wb") as file:
            file.write(data)

    return write


ARGUMENT, FORMAT, MODEL = "SSCAM_E_ARGUMENT", "SSCAM_E_FORMAT", "SSCAM_E_MODEL"

# name: (how to write the file, status, part of the message)
FAULTS = {
    "empty": (write_bytes(lambda data: b"\0"), FORMAT, "no TorchScript file"),
    "text": (
        write_bytes(lambda data: b"no network at all\n" * 99),
        FORMAT,
        "no TorchScript file",
    ),
    "truncated": (
        write_bytes(lambda data: data[: len(data) // 2]),
        FORMAT,
        "no TorchScript file",
    ),
    "checkpoint": (
        lambda path: torch.save(networks.ReluTwice().state_dict(), path),
        FORMAT,
        "no TorchScript file",
    ),
    "optimised_before_saving": (
        lambda path: torch.jit.optimize_for_inference(
            torch.jit.script(networks.ReluTwice().eval())
        ).save(path),
        FORMAT,
        "optimize_for_inference",
    ),
    "no_forward": (script_of(NoForward), MODEL, "no forward()"),
    "raises": (script_of(Raises), MODEL, "three channels are one too many"),
    "other_channels": (script_of(FourChannels), MODEL, "[1, 3, 32, 32]: Given groups=1"),
    "two_inputs": (script_of(TwoInputs), ARGUMENT, "scale (a tensor)"),
    "no_tensor": (script_of(NoTensor), MODEL, "without a tensor"),
    "dense_in_three": (script_of(DenseInThree), MODEL, "[1, 12, 2, 16, 16]"),
}

"""Writes a classifier that fails on some images.

It raises an error of its own on white ones, and its layer `reshaped` has no map of black ones.

usage: odd_network.py FILE.pt
"""

import sys

import torch


class Reshaped(torch.nn.Module):
    def forward(self, x, has_map: bool):
        return x if has_map else x.flatten(1)


class OddNetwork(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
        self.reshaped = Reshaped()
        self.head = torch.nn.Linear(4, 6)

    def forward(self, x):
        if bool(x.min() > 1.5):
            raise RuntimeError("too bright")
        y = self.reshaped(self.features(x), bool(x.max() > -1.5))
        return self.head(y.reshape(x.size(0), 4, -1).mean(2))


torch.manual_seed(1)
torch.jit.script(OddNetwork().eval()).save(sys.argv[1])

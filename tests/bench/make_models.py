"""Writes torchvision's networks with random weights as TorchScript: make_models.py OUTPUT.pt..."""

import sys
import warnings
from pathlib import Path

import torch
import torchvision

warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    torch.manual_seed(1)
    network = getattr(torchvision.models, Path(name).stem)(weights=None).eval()
    torch.jit.script(network).save(name)

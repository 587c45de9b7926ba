"""The examples in the docstrings and in the README."""

import doctest
import importlib
import importlib.util
import pkgutil
import re

import numpy as np
import pytest

import sscam
from conftest import ROOT


@pytest.mark.parametrize(
    "name", [f"sscam.{module.name}" for module in pkgutil.iter_modules(sscam.__path__)] + ["sscam"]
)
def test_docstrings(name, model_path, image_path):
    names = {"model_path": str(model_path), "image_path": str(image_path)}
    failed, _ = doctest.testmod(importlib.import_module(name), extraglobs=names)
    assert not failed


class Session:
    """An onnxruntime.InferenceSession for README.md: a layer of three channels, and their means."""

    def run(self, names, feeds):
        values = np.maximum(feeds["pixels"][:, :, ::16, ::16], 0)
        made = {"features": values, "logits": values.mean(axis=(2, 3))}
        return [made[name] for name in names]


def module_of_torch():
    """The README's module with two classes, and its example; nothing where there is no torch."""
    try:
        import torch
    except ImportError:  # or it is not the library's
        return {}
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=8),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 2),
    )
    return {"module": module.eval(), "example": torch.rand(1, 3, 224, 224)}


def optional(*names):
    """The packages that are installed."""
    found = {name: importlib.util.find_spec(name) for name in names}
    return {name: importlib.import_module(name) for name, spec in found.items() if spec}


def test_readme(model_path, image_path, tmp_path, monkeypatch):
    """Its code blocks run, one after the other, on files of the names they use."""
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "python" / "README.md").read_text(), re.DOTALL
    )
    assert blocks
    (tmp_path / "network.pt").write_bytes(model_path.read_bytes())
    (tmp_path / "image.jpg").write_bytes(image_path.read_bytes())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.txt").write_text("Pembroke\nbeagle\n")
    names = {"session": Session(), **module_of_torch(), **optional("tqdm", "pandas")}
    for block in blocks:
        if any(word in block and word not in names for word in ("tqdm", "pandas", "module")):
            continue
        exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "explained.png").exists()

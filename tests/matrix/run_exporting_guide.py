"""Runs the Python of docs/exporting.md and lists the layers of every file that it writes.

usage: run_exporting_guide.py GUIDE PROGRAM

Blocks whose packages are missing are skipped, by name. Weights are not downloaded: networks get
random ones. Exit status 77 when this torch has no torch.export, or every block is skipped.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

if importlib.util.find_spec("torch.export") is None:
    print(f"skipped: PyTorch {torch.__version__} has no torch.export")
    sys.exit(77)

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
IMPORTS = re.compile(r"^(?:import|from) ([\w, ]+?)(?:\.[\w.]+)?(?: import .*)?$", re.MULTILINE)
SMALL_TRANSFORMER = (
    "AutoModelForImageClassification.from_config(__import__('transformers').ViTConfig("
    "hidden_size=48, num_hidden_layers=2, num_attention_heads=2, intermediate_size=96))"
)
# What would be downloaded, and what stands in for it.
OFFLINE = (
    (r'weights="DEFAULT"', "weights=None"),
    (r"pretrained=True", "pretrained=False"),
    (r"AutoModelForImageClassification\.from_pretrained\([^)]*\)", SMALL_TRANSFORMER),
    (r'YOLO\("([\w-]+)\.pt"\)', r'YOLO("\1.yaml")'),
)


def packages_of(block):
    names = ",".join(IMPORTS.findall(block)).replace(" ", "").split(",")
    return sorted({name.split(".")[0] for name in names if name})


def run_block(block, folder):
    for pattern, replacement in OFFLINE:
        block = re.sub(pattern, replacement, block)
    if "torchvision" in packages_of(block):
        block = "from torchvision_import import torchvision\n" + block
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", block],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def list_layers(program, path):
    done = subprocess.run([program, "layers", path], capture_output=True, text=True, timeout=600)
    return None if done.returncode == 0 and "default" in done.stdout else done.stderr.strip()


def try_block(block, program):
    """What is wrong, or None."""
    with tempfile.TemporaryDirectory() as folder:
        failure = run_block(block, folder)
        if failure:
            return failure
        written = sorted(Path(folder).glob("*.pt*"))
        if not written:
            return "writes no network"
        for path in written:
            failure = list_layers(program, path)
            if failure is not None and "which is older than the program" not in failure:
                return f"{path.name}: {failure}"
    return None


def main():
    guide, program = sys.argv[1:]
    failed = tried = 0
    for number, block in enumerate(BLOCK.findall(Path(guide).read_text()), 1):
        packages = packages_of(block)
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if missing:
            print(f"block {number}: skipped, no {', '.join(missing)}", flush=True)
            continue
        tried += 1
        failure = try_block(block, program)
        failed += failure is not None
        print(f"block {number} ({', '.join(packages)}): {failure or 'as it says'}", flush=True)
    return 1 if failed else 0 if tried else 77


if __name__ == "__main__":
    sys.exit(main())

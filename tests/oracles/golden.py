"""The maps of golden.npz: every method on the bundled network and a bundled scene, computed with
fixed settings."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("golden.npz")
DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
# Few steps of Opti-CAM: each amplifies the rounding of those before.
OPTIONS = {
    "samples": 2,
    "seed": 7,
    "max_channels": 16,
    "workers": 1,
    "calibrate": "off",
    "iterations": 5,
}
WITHOUT_WEIGHTS = (
    "eigen-cam",
    "hires-cam",
    "layer-cam",
    "eigen-grad-cam",
    "grad-cam-elementwise",
    "fem",
    "kpca-cam",
    "recipro-cam",
    "vit-recipro-cam",
    "group-cam",
    "rise",
    "full-grad",
    "opti-cam",
    "activation-map",
    "seg-eigen-cam",
    "aise",
)


def run(program, *arguments, environment=None):
    return subprocess.run(
        [program, *map(str, arguments)],
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout


def methods_of(program):
    """Those of networks without attention."""
    methods = json.loads(run(program, "methods", "--json"))
    return [method["name"] for method in methods if "attention" not in method["needs"]]


def maps_of(program, environment=None, **options):
    """{"METHOD.raw": [h,w], "METHOD.weights": [K]} of one run of the program for those with channel
    weights and one for the others."""
    methods = methods_of(program)
    with_weights = [method for method in methods if method not in WITHOUT_WEIGHTS]
    without = [method for method in methods if method in WITHOUT_WEIGHTS]
    return explained(program, with_weights, ("raw", "weights"), environment, options) | explained(
        program, without, ("raw",), environment, options
    )


def explained(program, methods, kinds, environment, options):
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            "explain",
            DEMO / "clothes.pt",
            DEMO / "scenes" / "scene01.png",
            "-m",
            ",".join(methods),
            "--json",
        ]
        for kind in kinds:
            arguments += [f"--{kind}", f"{folder}/{kind}.npy"]
        for name, value in {**OPTIONS, **options}.items():
            arguments += ["--set", f"{name}={value}"]
        maps = {}
        for line in run(program, *arguments, environment=environment).splitlines():
            report = json.loads(line)
            for kind in kinds:
                maps[f"{report['method']}.{kind}"] = np.load(report["outputs"][kind])
        return maps

"""Runs the program `sscam` and reads what it wrote."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cams import TERM_METHODS

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from fork_server import ForkServer


@dataclass
class Shown:
    """One map of the program."""

    weights: np.ndarray  # None for methods that have none
    raw: np.ndarray
    data: np.ndarray
    report: dict  # its object of --json


class Program:
    def __init__(self, path):
        self.path = path
        self.server = ForkServer(path, os.environ.get("SSCAM_FORK_SERVER_LIBRARY"))

    def run(self, *arguments):
        """Runs it with all samples, which are not its default; the completed process with its
        output, whether it failed or not."""
        if arguments[0] == "explain":
            arguments = ("explain", "--tolerance", "0", *arguments[1:])
        return self.server.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_on(self, model, inputs, *arguments):
        """The records of `explain --json` for inputs."""
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "input.npy", inputs)
            done = self.run("explain", model, "--tensor", Path(folder) / "input.npy", *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def explain(self, model, inputs, methods, layer=None, class_index=None, flags=(), **options):
        """Explains inputs float32 [N,C,...] by several methods: {method: [Shown]}. One call for
        those that have channel weights, one for the others."""
        shown = {}
        for kinds, group in (
            (("weights", "raw", "npy"), [m for m in methods if m not in TERM_METHODS]),
            (("raw", "npy"), [m for m in methods if m in TERM_METHODS]),
        ):
            if group:
                shown.update(
                    self._explain(model, inputs, group, kinds, layer, class_index, flags, options)
                )
        return shown

    def explain_composed(self, model, inputs, method, layers, class_index, flags=(), **options):
        """One map an input of several layers, or of altered inputs: [Shown], without weights."""
        return self._explain(
            model,
            inputs,
            [method],
            ("raw", "npy"),
            None,
            class_index,
            flags,
            {**options, "layer": layers},
        )[method]

    def _explain(self, model, inputs, methods, kinds, layer, class_index, flags, options):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            np.save(folder / "input.npy", inputs)
            arguments = [
                "explain",
                model,
                "--tensor",
                folder / "input.npy",
                "-m",
                ",".join(methods),
                "--json",
                *flags,
            ]
            if inputs.ndim != 4:
                arguments += ["--dimensions", inputs.ndim - 2]
            for kind in kinds:
                arguments += [f"--{kind}", folder / f"{kind}.npy"]
            if layer is not None:
                arguments += ["-l", layer]
            if class_index is not None:
                arguments += ["-c", class_index]
            for name, value in options.items():
                text = ",".join(map(str, value)) if isinstance(value, tuple) else value
                arguments += ["--set", f"{name}={text}"]
            done = self.run(*arguments)
            assert done.returncode == 0, done.stderr
            shown = {method: [] for method in methods}
            for line in done.stdout.splitlines():
                report = json.loads(line)
                arrays = {kind: np.load(report["outputs"][kind]) for kind in kinds}
                shown[report["method"]].append(
                    Shown(arrays.get("weights"), arrays["raw"], arrays["npy"], report)
                )
        assert all(len(maps) == len(inputs) for maps in shown.values())
        return shown

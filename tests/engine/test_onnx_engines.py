"""The bundled network as an ONNX file, explained in the engines of the examples.

$ENGINE_PROGRAMS: their programs, with colons; those that could not be built are skipped.
$SSCAM_CLI: the program sscam, where libsscam reads TorchScript: its maps of clothes.pt are what the
maps of clothes.onnx have to equal. Without it they have to equal clothes_maps.npy, which holds
every eighth pixel of such maps, and which `python3 test_onnx_engines.py` writes anew.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAMS = {
    Path(path).name: path for path in os.environ.get("ENGINE_PROGRAMS", "").split(":") if path
}
MODEL = os.environ.get("ONNX_MODEL", "")
DEMO = Path(os.environ["DEMO"])
CLI = os.environ.get("SSCAM_CLI")
SCENE = DEMO / "scenes" / "scene11.png"
METHODS = ("score-cam", "is-cam", "eigen-cam")
SIDE, STEP = 224, 8
KEPT_MAPS = Path(__file__).with_name("clothes_maps.npy")
ENGINES = ("opencv_dnn", "onnx_runtime")


def torchscript_map(method, folder):
    """What libtorch gives for clothes.pt."""
    file = folder / f"{method}.npy"
    subprocess.run(
        [CLI, "explain", DEMO / "clothes.pt", SCENE, "-m", method, "--npy", file]
        + ["-o", folder / "torchscript.png"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return np.load(file)


def run_engine(engine, folder, *words):
    if engine not in PROGRAMS:
        pytest.skip(f"{engine} was not built: its library is not installed")
    return subprocess.run(
        [PROGRAMS[engine], *map(str, words)], cwd=folder, text=True, capture_output=True
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("engine", ENGINES)
def test_maps_equal_those_of_torchscript(engine, method, tmp_path):
    done = run_engine(engine, tmp_path, MODEL, SCENE, "explained.png", method, "map.f32")
    assert done.returncode == 0, done.stderr
    assert re.match(r"class 5, layer features$", done.stdout.strip()), done.stdout
    found = np.fromfile(tmp_path / "map.f32", np.float32).reshape(SIDE, SIDE)
    kept = np.load(KEPT_MAPS)[METHODS.index(method)]
    np.testing.assert_allclose(found[::STEP, ::STEP], kept, atol=1e-4, rtol=0)
    assert (tmp_path / "explained.png").read_bytes().startswith(b"\x89PNG")
    if CLI:
        np.testing.assert_allclose(found, torchscript_map(method, tmp_path), atol=1e-4, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_missing_gradients_are_refused_by_name(engine, tmp_path):
    done = run_engine(engine, tmp_path, MODEL, SCENE, "explained.png", "grad-cam")
    assert done.returncode == 1
    assert "Grad-CAM: the engine" in done.stderr and "`gradients`" in done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_failures_are_told_in_one_line(engine, tmp_path):
    done = run_engine(engine, tmp_path, "absent.onnx", SCENE, "explained.png")
    assert done.returncode == 1
    assert "absent.onnx" in done.stderr, done.stderr
    assert not (tmp_path / "explained.png").exists()


def write_kept_maps(folder):
    maps = [torchscript_map(method, folder)[::STEP, ::STEP] for method in METHODS]
    np.save(KEPT_MAPS, np.stack(maps))


if __name__ == "__main__":
    write_kept_maps(Path(sys.argv[1]))

"""What the tests share: a network, an image, ready-made inputs.

The library comes from SSCAM_LIBRARY. With SSCAM_SHARED_DATA the network is a pretrained one from
there, else the bundled demo. A library that was built with the backend of the core's own tests
needs no files at all: its networks are words.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sscam

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo"
FAKE_BACKEND = "\nfake:" in sscam.build_info()


def run_python(script, *arguments, **environment):
    """Run a script in a new interpreter that finds the same package; the completed process."""
    package_parent = str(Path(sscam.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        text=True,
        env={**os.environ, "PYTHONPATH": package_parent, **environment},
        capture_output=True,
        timeout=300,
    )


def shared_data():
    """The folder of real networks and photographs, or None."""
    folder = os.environ.get("SSCAM_SHARED_DATA")
    return Path(folder) if folder and (Path(folder) / "models").is_dir() else None


@pytest.fixture(scope="session")
def model_source():
    """What sscam.Model takes: a file's name, or a content."""
    if FAKE_BACKEND:
        return b"fake positional"
    if shared_data():
        return shared_data() / "models" / "squeezenet1_1.pt"
    if not (DEMO / "clothes.pt").exists():
        pytest.skip("skipped: no shared data")
    return DEMO / "clothes.pt"


@pytest.fixture(scope="session")
def model_path(model_source, tmp_path_factory):
    """File of the network."""
    if isinstance(model_source, Path):
        return model_source
    path = tmp_path_factory.mktemp("model") / "network.pt"
    path.write_bytes(model_source)
    return path


@pytest.fixture(scope="session")
def model(model_source):
    return sscam.Model(model_source)


@pytest.fixture(scope="session")
def pixels():
    """An image: uint8 [250, 300, 3], smooth, so that a network sees something in it."""
    row, column = np.mgrid[0:250, 0:300]
    waves = np.stack([np.sin(row / 30), np.cos(column / 40), np.sin((row + column) / 50)], axis=-1)
    return np.uint8(127.5 + 127 * waves)


@pytest.fixture(scope="session")
def image_path(tmp_path_factory, pixels):
    """An image's file: a photograph where there are any."""
    if shared_data():
        return shared_data() / "photos" / "torchvision_dog1.jpg"
    scenes = sorted(DEMO.glob("scenes/*.png"))
    if scenes:
        return scenes[0]
    path = tmp_path_factory.mktemp("image") / "waves.png"
    sscam.write_png(path, pixels)
    return path


@pytest.fixture
def explainer(model):
    """A quick one that scores masked inputs, so that progress has steps."""
    with sscam.Explainer(model, "score-cam", max_channels=6, batch_size=2) as made:
        yield made


@pytest.fixture(scope="session")
def batch(model, pixels):
    """Two different inputs, float32 [2,C,H,W]."""
    with sscam.Explainer(model) as explainer:
        return np.concatenate([explainer.preprocess(pixels), explainer.preprocess(pixels[::-1])])

"""The package installs without a network, and what is installed works."""

import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from sscam import _native


def test_installs_offline(tmp_path):
    pytest.importorskip("setuptools")
    pytest.importorskip("pip")
    # A copy, since building leaves files behind.
    source = shutil.copytree(
        ROOT / "python",
        tmp_path / "python",
        ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"),
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-build-isolation",
            "--no-index",
            "--no-deps",
            "--target",
            tmp_path / "installed",
            source,
        ],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PIP_FIND_LINKS": ""},
    )
    installed = tmp_path / "installed" / "sscam"
    assert {path.name for path in (ROOT / "python" / "sscam").glob("*.py")} <= {
        path.name for path in installed.iterdir()
    }
    assert (installed / "py.typed").exists()
    library = os.path.abspath(_native._loaded._name)
    shown = subprocess.run(
        [sys.executable, "-c", "import sscam; print(sscam.__file__)"],
        check=True,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "SSCAM_LIBRARY": library},
    ).stdout
    assert shown.strip() == str(installed / "__init__.py")

"""One wheel made of several that were built for different releases of torch; the launcher of its
program."""

import os
import subprocess
import sys
import sysconfig
import zipfile

import pytest

from conftest import ROOT

MERGE = ROOT / "packaging/wheel/merge_wheels.py"
NAME = "sscam-1.0.0-cp311-cp311-linux_x86_64.whl"
INFO, SCRIPT = "sscam-1.0.0.dist-info", "sscam-1.0.0.data/scripts/sscam"


def make_wheel(folder, release, **changes):
    files = {
        "sscam/__init__.py": "",
        "sscam/_build.py": f'TORCH_RELEASES = "{release}".split()  # built\n',
        "sscam/libsscam.so.1": f"\x7fELF of {release}",
        SCRIPT: "#!/bin/sh\necho $LD_LIBRARY_PATH $1\n",
        f"{INFO}/METADATA": "Name: sscam\nVersion: 1.0.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\n",
        f"{INFO}/RECORD": release,
        **changes,
    }
    path = folder / f"of-{release or 'none'}" / NAME
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def merge(folder, *wheels):
    return subprocess.run(
        [sys.executable, "-B", str(MERGE), str(folder), *map(str, wheels)],
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(folder, *wheels):
    done = merge(folder / "out", *wheels)
    assert done.returncode == 1 and not (folder / "out" / NAME).exists()
    return done.stderr.strip()


@pytest.fixture
def merged(tmp_path):
    wheels = [make_wheel(tmp_path, release) for release in ("2.13.0", "2.14.1")]
    done = merge(tmp_path / "out", *wheels)
    assert done.returncode == 0, done.stderr
    return tmp_path / "out" / NAME


def test_a_library_for_each_release(merged):
    with zipfile.ZipFile(merged) as wheel:
        files = {name: wheel.read(name).decode() for name in wheel.namelist()}
    assert files["sscam/torch-2.13.0/libsscam.so.1"] == "\x7fELF of 2.13.0"
    assert files["sscam/torch-2.14.1/libsscam.so.1"] == "\x7fELF of 2.14.1"
    assert "sscam/libsscam.so.1" not in files
    assert 'TORCH_RELEASES = "2.13.0 2.14.1".split()' in files["sscam/_build.py"]
    recorded = [line.split(",")[0] for line in files[f"{INFO}/RECORD"].splitlines()]
    assert sorted(recorded) == sorted(files)


def installed(wheel, folder, torch):
    """The installed program, beside a torch, as a command and an environment."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=100
    )
    packages = sysconfig.get_path("platlib", "venv", {"base": folder, "platbase": folder})
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    os.chmod(os.path.join(packages, "sscam/program"), 0o755)
    if torch:
        os.mkdir(os.path.join(packages, "torch-0.dist-info"))
        with open(os.path.join(packages, "torch-0.dist-info/METADATA"), "w") as metadata:
            metadata.write(f"Name: torch\nVersion: {torch}\n")
    command = [str(folder / "bin/python3"), os.path.join(packages, SCRIPT), "methods"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return packages, command, {**environment, "LD_LIBRARY_PATH": "/others"}


def test_the_program_takes_the_library_of_its_torch(merged, tmp_path):
    packages, command, environment = installed(merged, tmp_path / "env", "2.14.1+cpu")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{packages}/sscam/torch-2.14.1:/others methods\n"


@pytest.mark.parametrize("torch", ["2.12.0", ""])
def test_the_program_refuses_another_torch(merged, tmp_path, torch):
    _, command, environment = installed(merged, tmp_path / "env", torch)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "sscam: this sscam was built for torch 2.13.0 and 2.14.1, and the environment has "
        f"{'torch 2.12.0' if torch else 'no torch'}\n"
    )


def test_wheels_that_are_not_of_one_source(tmp_path):
    one = make_wheel(tmp_path, "2.13.0")
    other = make_wheel(tmp_path, "2.14.1", **{"sscam/__init__.py": "changed"})
    assert "sscam/__init__.py differs from that of" in refusal(tmp_path, one, other)


def test_wheels_for_one_release(tmp_path):
    (tmp_path / "again").mkdir()
    wheels = make_wheel(tmp_path, "2.13.0"), make_wheel(tmp_path / "again", "2.13.0")
    assert refusal(tmp_path, *wheels).endswith("a second wheel for torch 2.13.0")


def test_wheel_for_the_systems_libtorch(tmp_path):
    wheels = make_wheel(tmp_path, "2.13.0"), make_wheel(tmp_path, "")
    assert refusal(tmp_path, *wheels).endswith("but for the system's libtorch")

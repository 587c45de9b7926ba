"""Runs each case of the hostile hosts in a process of its own.

SSCAM_HOST is the C++ program or hostile_host.py, SSCAM_HOST_PYTHON the Python for the latter, which
has the libtorch that the library in SSCAM_LIBRARY was built with.
"""

import os
import pathlib
import signal
import subprocess

import pytest

from expected_failures import EXPECTED_FAILURES

HOST = os.environ["SSCAM_HOST"]
COMMAND = [os.environ["SSCAM_HOST_PYTHON"], HOST] if HOST.endswith(".py") else [HOST]
REFERENCE_HOST = os.environ["SSCAM_REFERENCE_HOST"]
LANGUAGE = "python" if HOST.endswith(".py") else "c++"
LOCALES = ["de_DE", "ps_AF"]
DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"
LONGEST = 300  # seconds; hosts end themselves before, by an alarm


def list_cases():
    return subprocess.run(
        [*COMMAND, "--list"], check=True, capture_output=True, text=True
    ).stdout.split()


def marked(case):
    reason = EXPECTED_FAILURES.get((LANGUAGE, case))
    return (
        pytest.param(case, marks=pytest.mark.xfail(strict=True, reason=reason)) if reason else case
    )


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The hosts' environment, with locales that need not be installed."""
    folder = tmp_path_factory.mktemp("locales")
    for name in LOCALES:
        subprocess.run(
            ["localedef", "-i", name, "-f", "UTF-8", folder / f"{name}.UTF-8"], check=True
        )
    folder.chmod(0o755)
    return {**os.environ, "LOCPATH": str(folder), "LC_ALL": "C"}


@pytest.fixture(scope="session")
def files(tmp_path_factory, environment):
    """Arguments of all cases: a network, an image, and the maps of a clean process."""
    given = [
        DEMO / "clothes.pt",
        DEMO / "scenes" / "scene01.png",
        tmp_path_factory.mktemp("maps") / "reference",
    ]
    subprocess.run(
        [REFERENCE_HOST, "reference", *given], check=True, env=environment, timeout=LONGEST
    )
    return given


def run_host(case, files, environment):
    if case == "preloaded_openmp":
        environment = {**environment, "LD_PRELOAD": "libomp.so.5"}
    return subprocess.run(
        [*COMMAND, case, *files],
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONGEST,
    )


@pytest.mark.parametrize("case", [marked(case) for case in list_cases()])
def test_maps_are_those_of_a_clean_process(case, files, environment):
    ended = run_host(case, files, environment)
    if ended.returncode == -signal.SIGALRM:
        pytest.fail(f"{case} hangs\n{ended.stdout}", pytrace=False)
    if ended.returncode != 0:
        pytest.fail(f"{case} ended with {ended.returncode}\n{ended.stdout}", pytrace=False)
    if ended.stdout:
        pytest.fail(f"{case} prints\n{ended.stdout}", pytrace=False)


def test_expected_failures_are_cases():
    names = set(list_cases())
    assert not [
        case for language, case in EXPECTED_FAILURES if language == LANGUAGE and case not in names
    ]

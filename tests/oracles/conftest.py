"""Fixtures of the oracle tests: the program under test, the shared data, differences found."""

import os
from pathlib import Path

import pytest

from program import Program

ROOT = Path(__file__).resolve().parents[2]
DIFFERENCES = pytest.StashKey()
SKIPPED = 77  # meson's exit status of a skipped test


@pytest.fixture(scope="session")
def program():
    """The program `sscam`, from the environment variable SSCAM_CLI."""
    path = os.environ.get("SSCAM_CLI")
    if not path:
        pytest.skip("skipped: SSCAM_CLI does not name the built program")
    return Program(path)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real networks and photographs, which are not part of the repository."""
    folder = Path(os.environ.get("SSCAM_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "models").is_dir():
        pytest.skip("skipped: no shared data")
    return folder


def pytest_configure(config):
    config.stash[DIFFERENCES] = {}


@pytest.fixture(scope="session")
def differences(request):
    """note(kind, difference, tolerance): asserts, and keeps the largest of each kind."""
    largest = request.config.stash[DIFFERENCES]

    def note(kind, difference, tolerance):
        seen, _ = largest.get(kind, (0, tolerance))
        largest[kind] = (max(seen, float(difference)), tolerance)
        assert difference <= tolerance, f"{kind}: {difference:.3g} is more than {tolerance:g}"

    return note


def pytest_sessionfinish(session, exitstatus):
    """If all tests are skipped, meson is told so, rather than of a success."""
    seen = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus == 0 and seen.get("skipped") and not seen.get("passed"):
        session.exitstatus = SKIPPED


def pytest_terminal_summary(terminalreporter, config):
    """Prints the largest differences beside their tolerances."""
    largest = config.stash[DIFFERENCES]
    if largest:
        terminalreporter.section("largest differences from the oracle")
        for kind, (difference, tolerance) in sorted(largest.items()):
            terminalreporter.write_line(f"{kind:50} {difference:9.2e} of {tolerance:g}")

"""What the suites of the program share: where it is, what it explains, how it is run."""

import fcntl
import functools
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fork_server import ForkServer
from scene_sets import COUNT, FAST, SCENES, objects_of, rows_of, scene_names, values_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo"
PROGRAM = os.environ.get("SSCAM_CLI", str(ROOT / "build" / "tools" / "sscam"))
SERVER = ForkServer(PROGRAM, os.environ.get("SSCAM_FORK_SERVER_LIBRARY"))
SHARED_DATA = pathlib.Path(os.environ.get("SSCAM_SHARED_DATA") or ROOT.parent / "shared" / "data")


def assert_one_line(result, code, *words):
    """The exit code, nothing on standard output, one line on standard error that has the words."""
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    assert result.stdout == ""
    assert re.fullmatch(r"sscam: [^\n]+: [^\n]+\n", result.stderr), result.stderr
    for word in words:
        assert word in result.stderr


def assert_usage_error(result, *words):
    assert_one_line(result, 2, *words)


class Network:
    """A model with an image that it was made for."""

    def __init__(self, model, image, labels):
        self.model, self.image, self.labels_path = str(model), str(image), str(labels)
        self.labels = pathlib.Path(labels).read_text().splitlines()


@pytest.fixture(scope="session")
def network():
    """The bundled network: small, so that whole explanations take moments."""
    return Network(
        DEMO / "clothes.pt", sorted((DEMO / "scenes").glob("*.png"))[0], DEMO / "labels.txt"
    )


@pytest.fixture(scope="session")
def pretrained():
    """A network of ImageNet and a photograph of a class that it knows."""
    if not (SHARED_DATA / "models").is_dir():
        pytest.skip("no shared data")
    return Network(
        SHARED_DATA / "models" / "squeezenet1_1.pt",
        SHARED_DATA / "photos" / "skimage_chelsea.png",
        SHARED_DATA / "imagenet_classes.txt",
    )


def run_in(folder, *arguments, **options):
    """Runs the program in a folder; the result has returncode, stdout and stderr."""
    options = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "timeout": 300,
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
    } | options
    return SERVER.run(arguments, **options)


@pytest.fixture
def sscam(tmp_path):
    """Runs the program in an empty folder; the result has returncode, stdout and stderr."""
    return functools.partial(run_in, tmp_path)


def evaluate_in(folder, network, dataset, *arguments, labels, flags=FAST):
    """Runs eval on a data set; if it succeeds, the result has `rows`, the lines of its CSV file."""
    table = folder / "values.csv"
    table.unlink(missing_ok=True)
    named = ["--labels", labels] if labels else []
    result = run_in(
        folder, "eval", network.model, dataset, *flags, *named, "--csv", table, *arguments
    )
    result.rows = rows_of(table) if result.returncode == 0 else []
    return result


@pytest.fixture
def evaluate(network, tmp_path):
    """evaluate_in() an empty folder, with the network's labels unless others are given."""
    return functools.partial(evaluate_in, tmp_path, network, labels=network.labels_path)


@pytest.fixture(scope="session")
def wanted(network, tmp_path_factory):
    """The values of the first scenes, from the folder that is bundled."""
    folder = tmp_path_factory.mktemp("wanted")
    result = evaluate_in(folder, network, SCENES, "--limit", COUNT, labels=network.labels_path)
    assert result.returncode == 0 and result.stderr == ""
    assert len(result.rows) == sum(len(objects_of(scene)) for scene in scene_names(COUNT))
    return values_of(result.rows)


@pytest.fixture
def files(tmp_path):
    """Names of all files in the program's folder, hidden ones and those of subfolders included."""
    return lambda: sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()
    )


def default_signals(ignored=()):
    """Called by a child before it runs the program.

    The program leaves signals alone that its parent ignores, as a shell or nohup that runs these
    tests may do.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


def run_on_terminal(arguments, columns, interrupt=False):
    """Runs with standard error on a pseudo terminal; gives the exit code and what appeared there.

    With `interrupt`, the program gets SIGINT when the progress bar appears.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        preexec_fn=default_signals,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
            if interrupt and b"elapsed" in shown:
                process.send_signal(signal.SIGINT)
                interrupt = False
        code = process.wait(300)
    os.close(ours)
    return code, shown.decode()

"""The program out of memory, and with failing file calls: it ends with its message and exit code 1
or gives the same result, leaves no temporary file, and overwrites only what it replaces as a whole.

With SSCAM_FAULTS_EVERY=n every nth allocation and file call fails in turn; by default one or two of
each."""

import errno
import json
import math
import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
from fork_server import ForkServer

DEMO = ROOT / "examples" / "demo"
PROGRAM = os.environ.get("SSCAM_CLI", str(ROOT / "build" / "tools" / "sscam"))
EVERY = int(os.environ.get("SSCAM_FAULTS_EVERY", "0"))
MIDDLE, LATE = 0.45, 0.87  # by default: while it computes, and while it writes results

# fault_board.h
OWNERS = {"program": 1, "library": 2, "drawing": 8, "fonts": 32, "glib": 64}
CALLS = [
    "open",
    "create",
    "stat",
    "read",
    "seek",
    "list",
    "write",
    "truncate",
    "sync",
    "close",
    "rename",
]
ERRORS = {
    "open": 5,
    "create": 28,
    "stat": 5,
    "read": 5,
    "seek": 5,
    "list": 5,
    "write": 28,
    "truncate": 5,
    "sync": 28,
    "close": 28,
    "rename": 18,
}
PLAN = [
    "armed",
    "owners",
    "allocation",
    "call",
    "number",
    "error",
    "from_on",
    "short_read",
    "tracks",
]
COUNTS = ["allocations", "refused", "failed_calls", "outstanding", "largest", "no_call", *CALLS]
OLD = b"what was there before"


class Board:
    """The board that the program under test maps."""

    def __init__(self, path):
        self.path = path
        self.size = 8 * len(PLAN + COUNTS) + 256
        path.write_bytes(bytes(self.size))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), self.size)

    def plan(self, folder="", **plan):
        values = [plan.get(name, 0) for name in PLAN] + [0] * len(COUNTS)
        self.memory[:] = struct.pack(f"{len(values)}q256s", *values, os.fsencode(folder))

    def count(self, name):
        return struct.unpack_from("q", self.memory, 8 * (len(PLAN) + COUNTS.index(name)))[0]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    board = Board(tmp_path_factory.mktemp("board") / "board")
    os.environ["SSCAM_FAULT_BOARD"] = str(board.path)
    return board


@pytest.fixture(scope="module")
def server(board):
    libraries = [os.environ[name] for name in ("SSCAM_FAULT_LIBRARY", "SSCAM_FORK_SERVER_LIBRARY")]
    return ForkServer(PROGRAM, ":".join(libraries))


# --- the program's arguments ----------------------------------------------------------------------

EXPLAIN = [
    "explain",
    "{in}/clothes.pt",
    "{in}/scene01.png",
    "--labels",
    "{in}/labels.txt",
    "--calibrate",
    "off",
]
COMMANDS = {
    "explain": (
        EXPLAIN
        + [
            "-m",
            "grad-cam,cam",
            "-o",
            "{out}/o.png",
            "--heatmap",
            "{out}/h.png",
            "--npy",
            "{out}/m.npy",
            "--raw",
            "{out}/r.npy",
            "--weights",
            "{out}/w.npy",
            "--json",
        ],
        [
            f"{name}-{method}.{extension}"
            for method in ("grad-cam", "cam")
            for name, extension in (
                ("o", "png"),
                ("h", "png"),
                ("m", "npy"),
                ("r", "npy"),
                ("w", "npy"),
            )
        ],
    ),
    "explain JPEG": (["explain", "{in}/clothes.pt", "{in}/image.jpg", "-m", "grad-cam"], []),
    "tensor": (
        [
            "explain",
            "{in}/clothes.pt",
            "--tensor",
            "{in}/input.npy",
            "-m",
            "grad-cam",
            "--npy",
            "{out}/m.npy",
        ],
        ["m.npy"],
    ),
    "compare": (
        [
            "compare",
            "{in}/clothes.pt",
            "{in}/scene01.png",
            "{in}/scene02.png",
            "-m",
            "grad-cam",
            "-o",
            "{out}/figure.png",
            "--labels",
            "{in}/labels.txt",
        ],
        ["figure.png"],
    ),
    "compare SVG": (
        [
            "compare",
            "{in}/clothes.pt",
            "{in}/scene01.png",
            "-m",
            "grad-cam",
            "-o",
            "{out}/figure.svg",
        ],
        ["figure.svg"],
    ),
    "eval": (
        [
            "eval",
            "{in}/clothes.pt",
            "{in}/set",
            "-m",
            "grad-cam",
            "--labels",
            "{in}/labels.txt",
            "--csv",
            "{out}/values.csv",
            "--report",
            "{out}/report.html",
            "--resume",
            "{out}/journal",
        ],
        ["values.csv", "report.html"],
    ),
    "eval list": (
        [
            "eval",
            "{in}/clothes.pt",
            "{in}/list.csv",
            "-m",
            "grad-cam",
            "--labels",
            "{in}/labels.txt",
            "--json",
        ],
        [],
    ),
    "eval coco": (
        [
            "eval",
            "{in}/clothes.pt",
            "{in}/coco.json",
            "-m",
            "grad-cam",
            "--labels",
            "{in}/labels.yaml",
            "--json",
        ],
        [],
    ),
    "explain several": (
        [
            "explain",
            "{in}/clothes.pt",
            "{in}/set",
            "-m",
            "grad-cam",
            "--npy",
            "{out}/",
            "--labels",
            "{in}/labels.json",
        ],
        ["scene01.npy", "scene02.npy"],
    ),
    "merge": (["merge", "{in}/values.csv", "--csv", "{out}/merged.csv"], ["merged.csv"]),
    "layers": (["layers", "{in}/clothes.pt", "--json"], []),
    "layers of a program": (["layers", "{in}/clothes.pt2", "--json"], []),
    "methods": (["methods"], []),
    "options": (["options", "--json"], []),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with all files that the commands read."""
    import PIL.Image

    folder = tmp_path_factory.mktemp("in")
    for name in ("clothes.pt", "clothes.pt2", "labels.txt"):
        shutil.copy(DEMO / name, folder)
    for name in ("scene01.png", "scene02.png"):
        shutil.copy(DEMO / "scenes" / name, folder)
    PIL.Image.open(folder / "scene01.png").convert("RGB").save(folder / "image.jpg")
    numpy.save(
        folder / "input.npy",
        numpy.linspace(-1, 1, 3 * 64 * 64, dtype=numpy.float32).reshape(3, 64, 64),
    )
    (folder / "set").mkdir()
    for name in ("scene01.png", "scene01.xml", "scene02.png", "scene02.xml"):
        shutil.copy(DEMO / "scenes" / name, folder / "set")
    label = (DEMO / "labels.txt").read_text().splitlines()[0]
    (folder / "list.csv").write_text(
        f"file,class,xmin,ymin,xmax,ymax\nscene01.png,{label},1,1,20,20\n"
    )
    labels = (DEMO / "labels.txt").read_text().splitlines()
    (folder / "labels.json").write_text(json.dumps(labels))
    (folder / "labels.yaml").write_text(f"names: {labels!r}\n")
    (folder / "coco.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "scene01.png", "width": 320, "height": 256}],
                "categories": [{"id": 7, "name": label}],
                "annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 1, 20, 20]}],
            }
        )
    )
    subprocess.run(
        [
            PROGRAM,
            "eval",
            folder / "clothes.pt",
            folder / "set",
            "-m",
            "grad-cam",
            "--labels",
            folder / "labels.txt",
            "--csv",
            folder / "values.csv",
        ],
        check=True,
        capture_output=True,
    )
    return folder


class Outcome:
    """The files and messages of a run, without times."""

    def __init__(self, result, folder):
        self.code, self.errors = result.returncode, result.stderr
        self.said = re.sub(r'"seconds": ?[0-9.e-]+|[0-9.]+ s\b', "", result.stdout)
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}


class Trial:
    """Runs one command repeatedly, each time over earlier output files."""

    def __init__(self, name, server, board, inputs, folder):
        words, self.outputs = COMMANDS[name]
        self.server, self.board, self.inputs, self.folder = server, board, inputs, folder
        self.words = [
            word.replace("{in}", str(inputs)).replace("{out}", str(folder)) for word in words
        ]
        self.faults = 0
        self.wanted = self.run(owners=OWNERS["program"])
        assert self.wanted.code == 0, self.wanted.errors
        self.allocations = board.count("allocations")
        self.calls = {call: board.count(call) for call in CALLS}

    def run(self, **plan):
        """The outcome of a plan, with the earlier output files in place and nothing else, not even
        a journal."""
        for path in self.folder.iterdir():
            path.unlink()
        for name in self.outputs:
            (self.folder / name).write_bytes(OLD)
        return self.run_again(**plan)

    def run_again(self, **plan):
        watched = os.path.commonpath([self.inputs, self.folder])
        self.board.plan(folder=watched, **plan)
        if plan:
            self.board.memory[0:8] = struct.pack("q", 1)
        result = self.server.run(
            self.words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=300,
        )
        self.board.memory[0:8] = bytes(8)
        return Outcome(result, self.folder)

    def check(self, outcome, what, may_differ=False):
        """Checks what the module's docstring promises."""
        kept = {"journal"} if "journal" in self.wanted.files else set()
        assert set(outcome.files) - kept == set(self.wanted.files) - kept, (
            what,
            set(outcome.files),
            outcome.errors,
        )
        lines = outcome.errors.splitlines()
        notes = [line for line in lines if line.startswith("sscam: note: ")]
        for name in self.outputs:
            assert outcome.files[name] in (OLD, self.wanted.files[name]) or may_differ or notes, (
                what,
                name,
            )
        if outcome.code == 0:
            same = (outcome.said, outcome.files) == (self.wanted.said, self.wanted.files)
            assert may_differ or notes or same, (
                what,
                "another result",
                outcome.said,
                outcome.errors,
            )
            assert len(lines) == len(notes), (what, lines)
            return
        assert outcome.code == 1, (what, outcome.code, outcome.errors)
        assert len(lines) == len(notes) + 1 and re.fullmatch(r"sscam: .+: .+", lines[-1]), (
            what,
            outcome.errors,
        )
        assert "Success" not in outcome.errors, (what, outcome.errors)

    @staticmethod
    def numbers(count, *shares):
        """The numbers of the calls that fail, of `count`."""
        if EVERY:
            return range(1, count + 1, EVERY)
        return sorted({math.ceil(share * count) for share in shares if count})


@pytest.fixture
def trial(request, server, board, inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return Trial(request.param, server, board, inputs, folder)


def commands(*names):
    return pytest.mark.parametrize("trial", names, indirect=True, ids=lambda name: name)


# --- memory ---------------------------------------------------------------------------------------


def run_without_memory(trial, owner, **plan):
    outcome = trial.run(owners=OWNERS[owner], **plan)
    what = (owner, plan)
    trial.faults += trial.board.count("refused")
    assert trial.board.count("refused") or plan["allocation"] == 0, what
    # An image that cannot be read for want of memory is no image that cannot be read.
    assert "note" not in outcome.errors, (what, outcome.errors)
    trial.check(outcome, what)
    if owner == "program" and outcome.code:
        assert outcome.errors == "sscam: memory: none left\n" or "emory" in outcome.errors, (
            what,
            outcome.errors,
        )


# The library's own allocations fail one by one in other suites.
USERS = (
    [(command, "program") for command in COMMANDS if "SVG" not in command and "JPEG" not in command]
    + [(command, "drawing") for command in ("compare", "compare SVG", "eval")]
    + [("eval", "library")]
)


@pytest.mark.parametrize("trial, owner", USERS, indirect=["trial"], ids=lambda name: name)
def test_memory_that_runs_out_ends_the_program_and_leaves_nothing_behind(trial, owner):
    if owner != "program":
        trial.run(owners=OWNERS[owner])
        trial.allocations = trial.board.count("allocations")
    for from_on in (0, 1):
        for number in trial.numbers(trial.allocations, MIDDLE, LATE):
            run_without_memory(trial, owner, allocation=number, from_on=from_on)
    print(f"{trial.words[0]}, {owner}: {trial.allocations} allocations, {trial.faults} refused")


@commands("compare", "compare SVG")
def test_text_layout_without_memory_leaves_no_file(trial):
    """GLib ends the process when it gets no memory, by the program's line or by its own."""
    trial.run(owners=OWNERS["glib"])
    count = trial.board.count("allocations")
    for from_on in (0, 1):
        for number in trial.numbers(count, 0.01, MIDDLE, LATE):
            outcome = trial.run(owners=OWNERS["glib"], allocation=number, from_on=from_on)
            assert trial.board.count("refused"), number
            assert outcome.code, number
            assert outcome.files == dict.fromkeys(trial.outputs, OLD), (
                number,
                set(outcome.files),
            )
            assert outcome.code < 0 or outcome.errors == "sscam: memory: none left\n", (
                number,
                outcome.errors,
            )


# --- files ----------------------------------------------------------------------------------------


@commands("explain", "tensor", "compare", "eval", "eval list", "eval coco", "merge")
def test_files_that_fail_are_told_and_leave_nothing_behind(trial):
    for call, count in trial.calls.items():
        for number in trial.numbers(count, LATE):
            outcome = trial.run(call=CALLS.index(call) + 1, number=number, error=ERRORS[call])
            trial.faults += trial.board.count("failed_calls")
            trial.check(outcome, (call, number))
            assert (
                outcome.code == 1 or "note" in outcome.errors or outcome.files == trial.wanted.files
            )
    print(f"{trial.words[0]}: {trial.faults} faults")


@commands("eval")
def test_a_file_that_found_no_memory_to_be_opened_is_not_skipped(trial):
    for number in range(1, trial.calls["open"] + 1):
        outcome = trial.run(call=CALLS.index("open") + 1, number=number, error=errno.ENOMEM)
        assert outcome.code == 1 or ".png" not in outcome.errors, (number, outcome.errors)
    print(f"{trial.words[0]}: {trial.calls['open']} files")


@commands("explain JPEG", "tensor", "eval list", "merge")
def test_files_that_shrink_while_they_are_read_do_no_harm(trial):
    for number in trial.numbers(trial.calls["read"], MIDDLE):
        outcome = trial.run(call=CALLS.index("read") + 1, number=number, error=0, from_on=1)
        trial.check(outcome, number, may_differ=True)


@commands("layers", "layers of a program")
@pytest.mark.parametrize("error", [0, errno.EIO], ids=["shrinks", "fails"])
def test_a_network_that_cannot_be_read_to_its_end_is_named(trial, error):
    reason = os.strerror(error) if error else r"it ends at byte \d+, and had \d+ when opened"
    for number in trial.numbers(trial.calls["read"], 0.001, MIDDLE, LATE):
        outcome = trial.run(call=CALLS.index("read") + 1, number=number, error=error, from_on=1)
        assert (outcome.code, outcome.said) == (1, ""), (number, outcome.errors)
        assert re.fullmatch(
            rf"sscam: {re.escape(str(trial.inputs))}/clothes\.pt2?: cannot be read: {reason}\n",
            outcome.errors,
        ), (number, outcome.errors)


@commands("explain JPEG", "tensor", "eval")
def test_files_may_come_in_pieces(trial):
    outcome = trial.run(call=CALLS.index("read") + 1, number=-1, short_read=97)
    assert (outcome.code, outcome.said, outcome.files) == (
        0,
        trial.wanted.said,
        trial.wanted.files,
    ), outcome.errors


@commands("eval")
def test_a_journal_that_could_not_be_written_is_gone_on_with(trial):
    for call in ("write", "truncate", "read"):
        for number in trial.numbers(trial.calls[call], MIDDLE):
            trial.run(call=CALLS.index(call) + 1, number=number, error=ERRORS[call], from_on=1)
            outcome = trial.run_again()
            assert outcome.code == 0, outcome.errors
            assert outcome.files["values.csv"] == trial.wanted.files["values.csv"]
            assert outcome.files["journal"] == trial.wanted.files["journal"]


# --- unusable paths -------------------------------------------------------------------------------


@pytest.fixture
def run(server, board, inputs, tmp_path):
    """Runs the program without faults; its inputs must not change."""

    def run(*words):
        board.plan()
        words = [str(word).replace("{in}", str(inputs)) for word in words]
        return server.run(
            words,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=300,
        )

    return run


MODEL, IMAGE = "{in}/clothes.pt", "{in}/scene01.png"
EVAL = ["eval", MODEL, "{in}/set", "--labels", "{in}/labels.txt", "-m", "grad-cam", "--limit", "1"]


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "{bad}", IMAGE],
        ["explain", MODEL, "{bad}"],
        ["explain", MODEL, "--tensor", "{bad}"],
        ["explain", MODEL, IMAGE, "--labels", "{bad}"],
        ["compare", MODEL, "{bad}", "-o", "x.png"],
        ["eval", "{bad}", "{in}/set"],
        ["eval", MODEL, "{in}/set", "--layout", "voc", "--annotations", "{bad}"],
        EVAL + ["--resume", "{bad}"],
        ["merge", "{bad}"],
        ["layers", "{bad}"],
        ["explain", MODEL, IMAGE, "-m", "grad-cam", "-o", "{bad}/x.png"],
        ["explain", MODEL, IMAGE, "-m", "grad-cam", "--npy", "{bad}"],
        ["compare", MODEL, IMAGE, "-m", "grad-cam", "-o", "{bad}/x.svg"],
        EVAL + ["--csv", "{bad}"],
        EVAL + ["--report", "{bad}"],
        ["merge", "{in}/values.csv", "--csv", "{bad}"],
    ],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize("bad", ["/proc/self/fd/no", "{folder}"])
def test_unusable_paths_are_named(run, tmp_path, words, bad):
    folder = tmp_path / "folder"
    folder.mkdir()
    bad = bad.replace("{folder}", str(folder))
    is_output = "{bad}/" in " ".join(words) or words[-2:] == ["--npy", "{bad}"]
    if bad.startswith(str(folder)) and is_output:
        pytest.skip("a folder is usable there")
    result = run(*(word.replace("{bad}", bad) for word in words))
    assert result.returncode == 1, result
    assert re.fullmatch(r"sscam: [^\n]+: [^\n]+\n", result.stderr), result.stderr
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["folder"] and not list(folder.iterdir())

#!/usr/bin/env python3
"""Loads and explains damaged TorchScript files or programs of torch.export, each in a process
of its own with limits on time and memory.

    torchscript.py --folder FOLDER --corpus CORPUS --seconds N        fuzzes
    torchscript.py --folder FOLDER --corpus CORPUS --replay PATH...   tries those files as they are

The library is $SSCAM_LIBRARY, or that of build/.

libtorch reads a file and runs its program, and may crash: such crashes are counted, and their
stacks distinguish them from crashes of the library's own code. The library promises to return a
status, with a message. Fails when a promise is broken or the library itself crashes; the files are
in FOLDER/findings then.
"""

import argparse
import collections
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import crash_origin
import exported_mutations
import torchscript_mutations

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEMO = ROOT / "examples/demo/clothes.pt"
SHAPES = {DEMO.name: (1, 3, 40, 40), "clothes.pt2": (1, 3, 40, 40)}
DEFAULT_SHAPE = (1, 3, 12, 12)
CPU_SECONDS, WALL_SECONDS = 20, 120
MEMORY = 2 << 30
BROKEN, FAILED_ITSELF = 3, 4
# Outcomes of the corpus's files by the first word of their names: valid files, and those that the
# library itself refuses.
WANTED = {
    "seed": {"explained"},
    "refused": {"SSCAM_E_FORMAT"},
    "unsupported": {"SSCAM_E_UNSUPPORTED"},
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="for findings and all other files",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=0,
        help="how long to fuzz, after the replay if there is one",
    )
    parser.add_argument("--inputs", type=int, help="stop after that many in all")
    parser.add_argument(
        "--seed", type=int, help="of the damage; without it, one is drawn and printed"
    )
    parser.add_argument(
        "--replay", type=Path, nargs="+", help="files and folders to try as they are"
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the files to damage")
    return parser.parse_args()


def load_library(folder):
    """Imports the package and loads the library, once for all trials, which are forked."""
    os.environ.setdefault("SSCAM_LIBRARY", str(ROOT / "build/lib/libsscam.so.1"))
    # Thread pools do not survive a fork.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    sys.path.insert(0, str(ROOT / "python"))
    tracer = folder / "crash_trace.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", tracer, HERE / "crash_trace.c"], check=True
    )
    import ctypes

    import torchscript_trial

    return ctypes.CDLL(str(tracer)), torchscript_trial


def address_space():
    with open("/proc/self/statm", encoding="ascii") as figures:
        return int(figures.read().split()[0]) * resource.getpagesize()


class TrialRunner:
    """Runs trials, counts their outcomes and keeps the findings."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "findings").mkdir(parents=True, exist_ok=True)
        self.tracer, self.trial = load_library(folder)
        self.input = folder / "input.pt"
        self.outcomes = collections.Counter()
        self.findings = {}
        self.failures = 0

    def confine(self, errors):
        """In the child: limits, no output, and a trace when it crashes."""
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
        resource.setrlimit(resource.RLIMIT_AS, (address_space() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(WALL_SECONDS)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(errors, 2)
        self.tracer.crash_trace_install()

    def child(self, content, shape, report, errors):
        self.confine(errors)

        def say(*words):
            os.write(report, (json.dumps(words) + "\n").encode())

        try:
            self.trial.Trial(content, self.input, shape, say).run()
            os._exit(0)
        except self.trial.Broken as broken:
            say("broken", str(broken))
            os._exit(BROKEN)
        except BaseException as fault:  # the child must not continue as a second parent
            say("broken", f"the trial itself: {fault!r}")
            os._exit(FAILED_ITSELF)

    def run(self, content, shape):
        """(exit code or minus the signal, what was said, standard error)"""
        self.input.write_bytes(content)
        report, errors = os.memfd_create("report"), os.memfd_create("errors")
        process = os.fork()
        if process == 0:
            self.child(content, shape, report, errors)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        texts = []
        for file in (report, errors):
            os.lseek(file, 0, os.SEEK_SET)
            with open(file, "rb") as stream:
                texts.append(stream.read().decode("utf-8", "replace"))
        return code, [json.loads(line) for line in texts[0].splitlines()], texts[1]

    def keep(self, content, kind, what, errors):
        """Saves an input, its outcome and standard error; only the first of each kind."""
        name = f"{kind}-{hashlib.sha1(what.encode()).hexdigest()[:8]}"
        path = self.folder / "findings" / name
        if what not in self.findings:
            self.findings[what] = name
            path.with_suffix(".pt").write_bytes(content)
            path.with_suffix(".txt").write_text(f"{what}\n\n{errors}", encoding="utf-8")
            print(f"{name}: {what}", flush=True)

    def classify(self, content, code, said, errors):
        """Counts an outcome; keeps the input unless every call returned a status."""
        last_step = [words[1] for words in said if words[0] == "step"][-1:]
        if code == 0:
            results = {words[0]: words[1] for words in said if words[0] != "step"}
            kind = (
                results["load"]
                if results["load"] != "SSCAM_OK"
                else "explained"
                if "SSCAM_OK" in (results["grad-cam"], results["score-cam"])
                else "loaded, not explained"
            )
        elif code in (BROKEN, FAILED_ITSELF):
            kind = "broken promise"
            self.keep(content, "own-promise", said[-1][1], errors)
        elif code in (-signal.SIGALRM, -signal.SIGKILL, -signal.SIGXCPU):
            kind = "too long"
            self.keep(content, "slow", f"in {last_step}: {crash_origin.location(errors)}", errors)
        else:
            kind = f"crash: {crash_origin.origin(errors)}"
            self.keep(
                content,
                f"crash-{crash_origin.origin(errors)}",
                f"signal {-code} in {last_step}: {crash_origin.location(errors)}",
                errors,
            )
        self.outcomes[kind] += 1
        self.failures += kind == "broken promise" or kind in ("crash: own", "crash: unknown")
        return kind

    def attempt(self, content, shape=DEFAULT_SHAPE):
        return self.classify(content, *self.run(content, shape))

    def summary(self, began):
        total = sum(self.outcomes.values())
        print(f"{total} inputs in {(time.monotonic() - began) / 60:.1f} minutes")
        for kind, count in self.outcomes.most_common():
            print(f"  {count:8} {kind}")


def files_below(paths):
    for path in paths:
        yield from sorted(path.rglob("*.pt*")) if path.is_dir() else [path]


def replay(runner, paths):
    for path in files_below(paths):
        kind = runner.attempt(path.read_bytes(), SHAPES.get(path.name, DEFAULT_SHAPE))
        print(f"{path.name}: {kind}", flush=True)
        wanted = WANTED.get(path.name.partition("-")[0], {kind})
        if kind not in wanted:
            print(f"{path.name}: wanted {' or '.join(wanted)}")
            runner.failures += 1


def fuzz(runner, options):
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    paths = list(files_below([options.corpus]))
    corpus = [(path.read_bytes(), DEFAULT_SHAPE) for path in paths]
    is_exported = paths[0].suffix == ".pt2"
    demo_path = DEMO.with_suffix(paths[0].suffix)
    mutate = (exported_mutations if is_exported else torchscript_mutations).mutate
    demo = (demo_path.read_bytes(), SHAPES[demo_path.name])
    again = torchscript_mutations.write_records(torchscript_mutations.read_records(demo[0]))
    if runner.attempt(again, demo[1]) != "explained":
        sys.exit("torchscript.py: an undamaged archive that is written again cannot be explained")
    end, most = time.monotonic() + options.seconds, options.inputs or sys.maxsize
    while time.monotonic() < end and sum(runner.outcomes.values()) < most:
        content, shape = demo if chance.random() < 0.1 else chance.choice(corpus)
        runner.attempt(mutate(content, chance), shape)


def main():
    options = parse()
    crash_origin.self_test()
    options.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    runner = TrialRunner(options.folder.resolve())
    if options.replay:
        replay(runner, options.replay)
    if options.seconds:
        fuzz(runner, options)
    runner.summary(began)
    return 1 if runner.failures or not runner.outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

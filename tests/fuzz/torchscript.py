#!/usr/bin/env python3
"""Loads and explains damaged TorchScript files, each in a process of its own with limits on time
and memory.

    torchscript.py --folder FOLDER --corpus CORPUS --seconds N        fuzzes
    torchscript.py --folder FOLDER --corpus CORPUS --replay PATH...   tries those files as they are

The library is $SSCAM_LIBRARY, or that of build/.

Reading a file and running what is in it is libtorch's work, and libtorch may crash on it: such
crashes are counted and told apart from the library's own by their stacks. The library promises that
nothing but a status, with a message, comes out. Fails when a promise is broken or the library
itself crashes; the files lie in FOLDER/findings then.
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

import torchscript_mutations as mutations
import torchscript_verdict as verdict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEMO = ROOT / "examples/demo/clothes.pt"
SHAPES = {DEMO.name: (1, 3, 40, 40)}
USUAL_SHAPE = (1, 3, 12, 12)
CPU_SECONDS, WALL_SECONDS = 20, 120
MEMORY = 2 << 30
BROKEN, FAILED_ITSELF = 3, 4
# Outcomes of the corpus's files by how their names begin: good ones, and what the library itself
# finds out.
WANTED = {"seed": {"explained"}, "refused": {"SSCAM_E_FORMAT"}}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="for findings and everything else that is written",
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
    """Imports the package, with the library, whose loading every trial inherits."""
    os.environ.setdefault("SSCAM_LIBRARY", str(ROOT / "build/lib/libsscam.so.1"))
    # Pools of threads would not survive the fork.
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


class Laboratory:
    """Runs trials and keeps what comes of them."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "findings").mkdir(parents=True, exist_ok=True)
        self.tracer, self.trial = load_library(folder)
        self.input = folder / "input.pt"
        self.outcomes = collections.Counter()
        self.places = {}
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
        except BaseException as fault:  # the child must not go on as a second parent
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
        """Saves an input, what it did and its standard error; only the first of each kind."""
        name = f"{kind}-{hashlib.sha1(what.encode()).hexdigest()[:8]}"
        path = self.folder / "findings" / name
        if what not in self.places:
            self.places[what] = name
            path.with_suffix(".pt").write_bytes(content)
            path.with_suffix(".txt").write_text(f"{what}\n\n{errors}", encoding="utf-8")
            print(f"{name}: {what}", flush=True)

    def judge(self, content, code, said, errors):
        """Counts an outcome; keeps the input if it did anything but give statuses."""
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
            self.keep(content, "slow", f"in {last_step}: {verdict.place(errors)}", errors)
        else:
            kind = f"crash: {verdict.culprit(errors)}"
            self.keep(
                content,
                f"crash-{verdict.culprit(errors)}",
                f"signal {-code} in {last_step}: {verdict.place(errors)}",
                errors,
            )
        self.outcomes[kind] += 1
        self.failures += kind == "broken promise" or kind in ("crash: own", "crash: unknown")
        return kind

    def attempt(self, content, shape=USUAL_SHAPE):
        return self.judge(content, *self.run(content, shape))

    def summary(self, began):
        total = sum(self.outcomes.values())
        print(f"{total} inputs in {(time.monotonic() - began) / 60:.1f} minutes")
        for kind, count in self.outcomes.most_common():
            print(f"  {count:8} {kind}")


def files_below(paths):
    for path in paths:
        yield from sorted(path.rglob("*.pt")) if path.is_dir() else [path]


def replay(laboratory, paths):
    for path in files_below(paths):
        kind = laboratory.attempt(path.read_bytes(), SHAPES.get(path.name, USUAL_SHAPE))
        print(f"{path.name}: {kind}", flush=True)
        wanted = WANTED.get(path.name.partition("-")[0], {kind})
        if kind not in wanted:
            print(f"{path.name}: wanted {' or '.join(wanted)}")
            laboratory.failures += 1


def fuzz(laboratory, options):
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    corpus = [(path.read_bytes(), USUAL_SHAPE) for path in files_below([options.corpus])]
    demo = (DEMO.read_bytes(), SHAPES[DEMO.name])
    if (
        laboratory.attempt(mutations.write_records(mutations.read_records(demo[0])), demo[1])
        != "explained"
    ):
        sys.exit("torchscript.py: an archive that is only written anew cannot be explained")
    end, most = time.monotonic() + options.seconds, options.inputs or sys.maxsize
    while time.monotonic() < end and sum(laboratory.outcomes.values()) < most:
        content, shape = demo if chance.random() < 0.1 else chance.choice(corpus)
        laboratory.attempt(mutations.mutate(content, chance), shape)


def main():
    options = parse()
    verdict.prove()
    options.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    laboratory = Laboratory(options.folder.resolve())
    if options.replay:
        replay(laboratory, options.replay)
    if options.seconds:
        fuzz(laboratory, options)
    laboratory.summary(began)
    return 1 if laboratory.failures or not laboratory.outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

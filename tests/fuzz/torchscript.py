#!/usr/bin/env python3
"""Loads and explains damaged TorchScript files or programs of torch.export, in processes with
limits on time and memory.

    torchscript.py --folder FOLDER --corpus CORPUS --seconds N        fuzzes
    torchscript.py --folder FOLDER --corpus CORPUS --replay PATH...   tries those files as they are

The library is $SSCAM_LIBRARY, or that of build/.

libtorch reads a file and runs its program, and may crash: such crashes are counted, and their
stacks distinguish them from crashes of the library's own code. The library promises to return a
status, with a message. Fails when a promise is broken or the library itself crashes; the files are
in FOLDER/findings then.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import crash_origin
import exported_mutations
import torchscript_mutations
import trial_runner
from trial_runner import BATCH, DEFAULT_SHAPE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEMO = ROOT / "examples/demo/clothes.pt"
SHAPES = {DEMO.name: (1, 3, 40, 40), "clothes.pt2": (1, 3, 40, 40)}
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
    parser.add_argument("--inputs", type=int, help="at most that many damaged files")
    parser.add_argument(
        "--seed", type=int, help="of the damage; without it, one is drawn and printed"
    )
    parser.add_argument(
        "--replay", type=Path, nargs="+", help="files and folders to try as they are"
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the files to damage")
    return parser.parse_args()


def runner_of(folder):
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

    def trial(*arguments):
        torchscript_trial.Trial(*arguments).run()

    return trial_runner.TrialRunner(folder, trial, ctypes.CDLL(str(tracer)).crash_trace_install)


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
    end, left = time.monotonic() + options.seconds, options.inputs or sys.maxsize
    while time.monotonic() < end and left > 0:
        drawn = [
            demo if chance.random() < 0.1 else chance.choice(corpus)
            for _ in range(min(BATCH, left))
        ]
        left -= len(drawn)
        runner.attempt_batch([(mutate(content, chance), shape) for content, shape in drawn])


def main():
    options = parse()
    crash_origin.self_test()
    with tempfile.TemporaryDirectory() as folder:
        trial_runner.self_test(Path(folder))
    options.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    runner = runner_of(options.folder.resolve())
    if options.replay:
        replay(runner, options.replay)
    if options.seconds:
        fuzz(runner, options)
    runner.summary(began)
    return 1 if runner.failures or not runner.outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

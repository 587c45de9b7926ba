#!/usr/bin/env python3
"""Runs the cluster examples on the bundled network: their results are those of one sscam eval.

test_cluster.py SSCAM MODEL SCENES PROGRAM...
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SSCAM, MODEL, SCENES = (os.path.abspath(path) for path in sys.argv[1:4])
SCENES = Path(SCENES)
PROGRAMS = {Path(path).name: os.path.abspath(path) for path in sys.argv[4:]}
HERE = Path(__file__).resolve().parent
LABELS = SCENES.parent / "labels.txt"
# Seven images, which three tasks cannot divide evenly.
FLAGS = [
    "--limit",
    "7",
    "--labels",
    str(LABELS),
    "-m",
    "grad-cam,score-cam",
    "--max-channels",
    "8",
    "--probability",
    "sigmoid",
    "--calibrate",
    "off",
]
# ROAD solves as many equations as an input has pixels.
SMALL = ["resize=64x64", "crop=off"]
# Threads divide sums, so that the last digits depend on their number.
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def run(*arguments, **options):
    done = subprocess.run(
        list(map(str, arguments)),
        text=True,
        capture_output=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


class Cluster(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "sscam").symlink_to(SSCAM)
        self.environment = ENVIRONMENT | {"PATH": f"{programs}:{os.environ['PATH']}"}

    @staticmethod
    @functools.cache
    def table_of_one_run():
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "whole.csv"
            table = run(SSCAM, "eval", MODEL, SCENES, *FLAGS, "--csv", whole, env=ENVIRONMENT)
            return table, whole.read_bytes()

    def merged(self, parts):
        table = run(SSCAM, "merge", *parts, "--csv", self.folder / "merged.csv")
        return table, (self.folder / "merged.csv").read_bytes()

    def test_slurm_array(self):
        """Each task as Slurm starts it; one of them twice, as after a preemption."""
        out = self.folder / "out"
        for task in (2, 1, 3, 2):
            run(
                HERE / "array.sbatch",
                MODEL,
                SCENES,
                out,
                *FLAGS,
                env=self.environment
                | {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "3"},
            )
        self.assertEqual(self.merged(sorted(out.glob("part-*.csv"))), self.table_of_one_run())
        self.assertEqual(len(list(out.glob("journal-*"))), 3)

    def test_gnu_parallel(self):
        """The line of the README, with the bundled network in the place of its own."""
        if not shutil.which("parallel"):
            self.skipTest("GNU parallel is not installed")
        line = next(
            line for line in (HERE / "README.md").read_text().splitlines() if "parallel '" in line
        )
        line = line.replace("--labels imagenet_class_index.tsv", " ".join(FLAGS)).replace(
            "ILSVRC", str(SCENES)
        )
        line = (
            line.replace("resnet18.pt", MODEL)
            .replace("16", "3")
            .replace("parallel ", "parallel -j 1 ")
        )
        table = run("sh", "-c", line, cwd=self.folder, env=self.environment)
        self.assertEqual(table, self.table_of_one_run()[0])
        self.assertEqual(
            self.merged(sorted(self.folder.glob("part-*.csv"))), self.table_of_one_run()
        )

    def mpirun(self, ranks, *arguments, **options):
        if "evaluate_mpi" not in PROGRAMS or not shutil.which("mpirun"):
            self.skipTest("there is no MPI")
        allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return subprocess.run(
            ["mpirun", "--oversubscribe", "-n", str(ranks), PROGRAMS["evaluate_mpi"], *arguments],
            env=ENVIRONMENT | allowed,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            **options,
        )

    def write_list(self):
        """The scenes as a list, a broken image and one without a box among them."""
        lines, names = ["file,class,xmin,ymin,xmax,ymax"], LABELS.read_text().splitlines()
        for scene in sorted(SCENES.glob("*.png"))[:3]:
            for item in ElementTree.parse(scene.with_suffix(".xml")).getroot().iter("object"):
                box = [item.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
                lines.append(",".join([str(scene), str(names.index(item.findtext("name"))), *box]))
        (self.folder / "broken.png").write_text("no image")
        lines.insert(1, f"{self.folder / 'broken.png'},1")
        lines.append(f"{sorted(SCENES.glob('*.png'))[5]},2")
        path = self.folder / "list.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    def test_mpi_prints_the_table_of_eval(self):
        listed = self.write_list()
        for ranks, methods, more in (
            (3, "grad-cam,score-cam", ["max_channels=8"]),
            (2, "cam,grad-cam++", ["metrics=all", "metric_steps=4", *SMALL]),
            (1, "grad-cam", ["layer=pool"]),
        ):
            options = ["probability=sigmoid", "calibrate=off", *more]
            flags = [text for option in options for text in ("--set", option)]
            wanted = run(SSCAM, "eval", MODEL, listed, "-m", methods, *flags, env=ENVIRONMENT)
            self.assertRegex(wanted, "1 images skipped\n$")
            with self.subTest(methods=methods, ranks=ranks):
                done = self.mpirun(ranks, MODEL, str(listed), methods, *options)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout, wanted)
                self.assertEqual(len(re.findall("evaluate_mpi: .*broken.png", done.stderr)), 1)

    def test_mpi_failures_end_all_ranks(self):
        listed = str(self.write_list())
        for arguments in (
            ["absent.pt", listed, "cam"],
            [MODEL, "absent.csv", "cam"],
            [MODEL, listed, "camera"],
            [MODEL, listed, "cam", "sigma=-1"],
        ):
            done = self.mpirun(2, *arguments, timeout=120)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"evaluate_mpi: [^\n]+: [^\n]+\n")
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

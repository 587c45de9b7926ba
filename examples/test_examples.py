#!/usr/bin/env python3
"""Runs the examples on the bundled network and looks at what they wrote.

test_examples.py MODEL SCENES PROGRAM...
"""

import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MODEL, SCENES = sys.argv[1], sorted(Path(sys.argv[2]).glob("*.png"))
PROGRAMS = {Path(path).name: path for path in sys.argv[3:]}


def png_size(path):
    """(width, height) from a PNG file's header."""
    header = Path(path).read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG file"
    return struct.unpack(">II", header[16:24])


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.explained = self.folder / "explained.png"

    def run_example(self, name, *arguments):
        """The completed process, after looking whether it succeeded; skips what was not built."""
        if name not in PROGRAMS:
            self.skipTest(f"{name} was not built")
        done = subprocess.run(
            [PROGRAMS[name], *map(str, arguments)], text=True, capture_output=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def assert_drawn(self, explained, scene):
        self.assertEqual(png_size(explained), png_size(scene))
        self.assertNotEqual(Path(explained).read_bytes(), Path(scene).read_bytes())

    def test_programs_that_draw_one_image(self):
        for name in ("minimal", "minimal_cpp", "opencv"):
            with self.subTest(name):
                done = self.run_example(name, MODEL, SCENES[0], self.explained)
                self.assertRegex(done.stdout, r"^class \d+")
                self.assert_drawn(self.explained, SCENES[0])

    def test_failure_is_told_in_one_line(self):
        for name in ("minimal", "minimal_cpp"):
            with self.subTest(name):
                done = subprocess.run(
                    [PROGRAMS[name], "absent.pt", SCENES[0], self.explained],
                    text=True,
                    capture_output=True,
                )
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^[^\n]*absent\.pt[^\n]*\n$")
                self.assertFalse(self.explained.exists())

    def test_threads_explain_every_image(self):
        scenes = SCENES[:5]
        done = self.run_example("batch_threads", MODEL, self.folder, 2, *scenes)
        self.assertEqual(len(done.stdout.splitlines()), len(scenes))
        for number, scene in enumerate(scenes):
            self.assert_drawn(self.folder / f"{number}.png", scene)

    def test_progress_with_time_to_spare(self):
        done = self.run_example("progress", MODEL, SCENES[0], self.explained, 1000)
        self.assertIn("100 %", done.stderr)
        self.assertTrue(done.stdout.startswith("ss-cam-mean: "))
        self.assert_drawn(self.explained, SCENES[0])

    def test_progress_cancelled(self):
        done = self.run_example("progress", MODEL, SCENES[0], self.explained, 0)
        self.assertIn("cancelled", done.stderr)
        self.assertTrue(done.stdout.startswith("grad-cam: "))
        self.assert_drawn(self.explained, SCENES[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

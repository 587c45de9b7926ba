#!/usr/bin/env python3
"""Holds the documents to the library.

    check_docs.py SOURCE_ROOT

Options and methods are those of tests/abi/tables.txt; links lead somewhere; the noise of methods.md
is the noise of the test suite's oracle.
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(sys.argv[1])
DOCS = ROOT / "docs"


def table_rows():
    """({option: default}, {option: [values]}, [methods])"""
    text = (ROOT / "tests" / "abi" / "tables.txt").read_text()
    defaults = dict(re.findall(r'^option (\S+) id=.* default="(.*)"$', text, re.MULTILINE))
    values = {}
    for option, value in re.findall(r"^option (\S+) value=(.*)$", text, re.MULTILINE):
        values.setdefault(option, []).append(value)
    return defaults, values, re.findall(r"^method (\S+)", text, re.MULTILINE)


DEFAULTS, VALUES, METHODS = table_rows()


class Tables(unittest.TestCase):
    def test_methods_page_has_every_option_with_its_values(self):
        text = (DOCS / "methods.md").read_text()
        for option, default in DEFAULTS.items():
            row = re.search(rf"^\| `{option}` \| ([^|]*) \|", text, re.MULTILINE)
            with self.subTest(option):
                self.assertIsNotNone(row)
                expected = (
                    ", ".join(f"`{value}`" for value in VALUES[option])
                    if option in VALUES
                    else default
                )
                self.assertEqual(row.group(1) if default else "", expected)

    def test_methods_page_has_every_method(self):
        text = (DOCS / "methods.md").read_text()
        for method in METHODS:
            self.assertRegex(text, rf"(?m)^\| `{re.escape(method)}` \|")

    def test_methods_page_has_every_metric(self):
        text = (DOCS / "methods.md").read_text()
        metrics = re.findall(
            r"^metric (\S+)", (ROOT / "tests" / "abi" / "tables.txt").read_text(), re.MULTILINE
        )
        self.assertTrue(metrics)
        for metric in metrics:
            self.assertRegex(text, rf"(?m)^\| `{metric}` \|")

    def test_manual_page_has_every_option_with_its_values(self):
        text = (DOCS / "man" / "sscam.1.in").read_text()
        for option, default in DEFAULTS.items():
            others = "".join(f" {value}" for value in VALUES.get(option, [default])[1:])
            self.assertIn(f'.BR {option} " [{default}]{others}"', text)

    def test_migrating_page_names_methods_and_options_that_exist(self):
        text = (DOCS / "migrating.md").read_text()
        methods = re.findall(r"-m ([^\s`|]+)", text)
        settings = re.findall(r"--set (\w+)=([^\s`|]+)", text)
        self.assertLessEqual({name for name, _ in settings}, set(DEFAULTS))
        # Which no package has.
        self.assertLessEqual(set(METHODS) - set(methods), {"ss-cam-max", "group-cam", "opti-cam"})
        self.assertLessEqual(set(methods), set(METHODS))
        for name, value in settings:
            if name in VALUES:
                self.assertIn(value, VALUES[name], name)


class Oracles(unittest.TestCase):
    def test_every_method_has_one(self):
        sys.path.insert(0, str(ROOT / "tests" / "oracles"))
        try:
            import cams
        except ImportError:
            self.skipTest("NumPy is not installed")
        self.assertEqual({*cams.METHODS, *cams.OTHER_METHODS}, set(METHODS))


class Text(unittest.TestCase):
    def test_links_lead_to_files(self):
        for page in [*DOCS.glob("*.md"), ROOT / "README.md"]:
            for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
                if "://" not in target:
                    with self.subTest(page=page.name, target=target):
                        self.assertTrue((page.parent / target).exists())

    def test_lines_fit(self):
        for page in [*DOCS.glob("*.md"), ROOT / "README.md"]:
            for line in page.read_text().splitlines():
                if not line.startswith("|"):
                    self.assertLessEqual(len(line), 100, f"{page.name}: {line}")


class Noise(unittest.TestCase):
    def test_snippet_gives_the_noise_of_the_oracle(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("NumPy is not installed")
        sys.path.insert(0, str(ROOT / "tests" / "oracles"))
        import philox

        snippet = re.search(r"```python\n(.*?)```", (DOCS / "methods.md").read_text(), re.DOTALL)
        names = {}
        exec(snippet.group(1), names)
        for arguments in ((0, 0, 0, 0, 8), (12345678901234, 5, 7, 2, 1001), (-3, 1, 2, 0, 10)):
            numpy.testing.assert_allclose(
                names["noise"](*arguments), philox.noise(*arguments), rtol=0, atol=1e-12
            )


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

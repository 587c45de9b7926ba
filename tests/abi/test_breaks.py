#!/usr/bin/env python3
"""Shows that the checks of this folder find breaks: libraries that differ from the headers in one
deliberate way must fail, and one that does not differ must pass.

    test_breaks.py HEADERS -- CC...
"""

import contextlib
import io
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import check
import interface
import stand_in

HEADERS, COMPILER = Path(sys.argv[1]), sys.argv[3:]

# What is done to a header, and the status by which abidiff must object: 4 says changed, 8 certainly
# broken.
BREAKS = {
    "a function is removed": (
        "map.h",
        "SSCAM_API sscam_status sscam_map_heatmap(",
        "sscam_status sscam_map_heatmap(",
        12,
    ),
    "a parameter is narrowed": (
        "explainer.h",
        "int64_t class_index, sscam_map **out",
        "int32_t class_index, sscam_map **out",
        4,
    ),
    "a parameter is added": (
        "image.h",
        "sscam_image_write_png(const sscam_image *image,",
        "sscam_image_write_png(const sscam_image *image, int32_t level,",
        4,
    ),
    "parameters trade places": (
        "image.h",
        "const char *path, const sscam_read_options *options,",
        "const sscam_read_options *options, const char *path,",
        4,
    ),
    "a result is narrowed": (
        "map.h",
        "SSCAM_API int64_t sscam_map_passes(",
        "SSCAM_API int32_t sscam_map_passes(",
        4,
    ),
    "a callback takes another type": (
        "explainer.h",
        "(void *user, double fraction);",
        "(void *user, float fraction);",
        4,
    ),
}


class Breaks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.headers = self.folder / "include"
        shutil.copytree(HEADERS, self.headers)

    def edit(self, header, old, new):
        path = self.headers / "sscam" / header
        text = path.read_text()
        self.assertEqual(text.count(old), 1, f"{header} should hold this once: {old!r}")
        path.write_text(text.replace(old, new))

    def build(self, extra_code=""):
        return stand_in.build(self.headers, COMPILER, self.folder, extra_code)

    def describe(self, library):
        description = self.folder / "described.abi"
        interface.describe_types(library, self.headers, description)
        return description

    def assert_check(self, expected_code, check_function, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as report:
            code = check_function(*arguments)
        self.assertEqual(code, expected_code, report.getvalue())
        return report.getvalue()


@unittest.skipUnless(
    shutil.which("abidw") and shutil.which("abidiff"), "libabigail is not installed"
)
class Types(Breaks):
    def test_headers_as_they_are_pass(self):
        # The stand-in's handles have no content, so this also shows that their content is nobody's
        # business.
        self.assert_check(0, check.check_types, self.build(), self.headers)

    def test_each_break_is_found(self):
        for what, (header, old, new, expected_status) in BREAKS.items():
            with self.subTest(what):
                shutil.rmtree(self.headers)
                shutil.copytree(HEADERS, self.headers)
                self.edit(header, old, new)
                library = self.build()
                self.assert_check(1, check.check_types, library, self.headers)
                status, _ = interface.compare_types(
                    check.HERE / "libsscam.abi", self.describe(library)
                )
                self.assertEqual(status, expected_status)

    def test_growth_is_told_from_a_break(self):
        self.edit(
            "version.h",
            "SSCAM_API const char *sscam_version(void);",
            "SSCAM_API const char *sscam_version(void);\nSSCAM_API int32_t sscam_later(void);",
        )
        description = self.describe(self.build())
        recorded = check.HERE / "libsscam.abi"
        self.assertNotEqual(interface.compare_types(recorded, description)[0], 0)
        self.assertEqual(interface.compare_types(recorded, description, "--no-added-syms")[0], 0)


class Symbols(Breaks):
    def test_headers_as_they_are_pass(self):
        self.assert_check(0, check.check_symbols, self.build())

    def test_lost_symbol_is_found(self):
        self.edit("map.h", "SSCAM_API void sscam_map_unref(", "void sscam_map_unref(")
        report = self.assert_check(1, check.check_symbols, self.build())
        self.assertIn("-sscam_map_unref@@SSCAM_1", report)

    def test_leaked_symbol_is_found(self):
        library = self.build("void _ZN3c105ErrorD1Ev(void) {}")
        report = self.assert_check(1, check.check_symbols, library)
        self.assertIn("not the library's own: _ZN3c105ErrorD1Ev", report)


class Constants(Breaks):
    def test_renumbered_constant_is_found(self):
        self.edit("option.h", "#define SSCAM_OPTION_SEED 17", "#define SSCAM_OPTION_SEED 18")
        report = self.assert_check(1, check.check_constants, self.headers, *COMPILER)
        self.assertIn("+SSCAM_OPTION_SEED 18", report)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

#!/usr/bin/env python3
"""Holds the public headers to the rules that embedders rely on.

test_headers.py SOURCE_ROOT C_COMPILER... -- CXX_COMPILER...
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(sys.argv[1])
C_COMPILER = sys.argv[2 : sys.argv.index("--")]
CXX_COMPILER = sys.argv[sys.argv.index("--") + 1 :]
HEADERS = sorted((ROOT / "include" / "sscam").glob("*.h"))

STRICT = [
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wundef",
    "-Werror",
    "-fsyntax-only",
    "-I",
    str(ROOT / "include"),
]
# What differs between platforms and compilers, or what bindings of other languages cannot pass.
UNBINDABLE = re.compile(
    r"\.\.\.|\b(bool|_Bool|short|int|long|unsigned|enum|struct|union|FILE|va_list)\b"
)

FUNCTION = re.compile(
    r"/\*\*(?P<comment>(?:(?!\*/).)*)\*/\s*SSCAM_API\s+"
    r"(?P<result>[^;(]*?)(?P<name>sscam_\w+)\((?P<parameters>[^;]*)\);",
    re.DOTALL,
)


def functions():
    """Each exported function as (header name, match), with its comment."""
    return [
        (header.name, match)
        for header in HEADERS
        for match in FUNCTION.finditer(header.read_text())
    ]


class Headers(unittest.TestCase):
    def compile(self, compiler, language, standard, text):
        done = subprocess.run(
            [*compiler, *STRICT, f"-std={standard}", "-x", language, "-"],
            input=text,
            text=True,
            stderr=subprocess.PIPE,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_compiles_alone_and_twice(self):
        for header in HEADERS:
            # A translation unit must declare something, and some headers only define macros.
            text = f"#include <sscam/{header.name}>\n" * 2 + "extern int something;\n"
            for standard in ("c99", "c11"):
                with self.subTest(header=header.name, standard=standard):
                    self.compile(C_COMPILER, "c", standard, text)
            for standard in ("c++11", "c++17"):
                with self.subTest(header=header.name, standard=standard):
                    self.compile(CXX_COMPILER, "c++", standard, text)

    def test_they_include_nothing_but_two_standard_headers_and_each_other(self):
        own = {f'"{header.name}"' for header in HEADERS}
        for header in HEADERS:
            included = set(re.findall(r"^#include (\S+)", header.read_text(), re.MULTILINE))
            with self.subTest(header=header.name):
                self.assertLessEqual(included, own | {"<stddef.h>", "<stdint.h>"})

    def test_umbrella_includes_every_other(self):
        umbrella = (ROOT / "include" / "sscam" / "sscam.h").read_text()
        for header in HEADERS:
            if header.name != "sscam.h":
                self.assertIn(f'#include "{header.name}"', umbrella)

    def test_no_private_header_has_the_name_of_a_public_one(self):
        # libabigail tells public types from private ones by the name of the file that defines them.
        private = {
            path.name for folder in ("lib", "shim") for path in (ROOT / folder).rglob("*.h*")
        }
        self.assertEqual(private & {header.name for header in HEADERS}, set())

    def test_only_plain_types_cross(self):
        for header, function in functions():
            signature = f"{function['result']} {function['parameters']}"
            with self.subTest(header=header, function=function["name"]):
                self.assertIsNone(UNBINDABLE.search(signature))
                by_value = re.findall(r"\b(sscam_\w+)\s+(?!\*)\w+", function["parameters"])
                callbacks = {f"sscam_{kind}_callback" for kind in ("log", "progress", "release")}
                self.assertLessEqual(set(by_value), {"sscam_status", *callbacks})


class Documentation(unittest.TestCase):
    def test_every_function_has_a_comment(self):
        for header in HEADERS:
            text = re.sub(r"^#define.*$", "", header.read_text(), flags=re.MULTILINE)
            documented = [match for name, match in functions() if name == header.name]
            self.assertEqual(text.count("SSCAM_API "), len(documented), header.name)

    def test_each_tells_thread_and_release(self):
        for header, function in functions():
            with self.subTest(header=header, function=function["name"]):
                self.assertRegex(function["comment"], r"Thread:")
                self.assertRegex(function["comment"], r"@since\s+[0-9]+\.[0-9]+")

    def test_each_status_result_lists_its_errors(self):
        for header, function in functions():
            if function["result"].split() == ["sscam_status"]:
                with self.subTest(header=header, function=function["name"]):
                    self.assertRegex(function["comment"], r"@return\s+(SSCAM_OK|As sscam_)")
                    self.assertRegex(function["comment"], r"SSCAM_E_")

    def test_each_pointer_handed_out_tells_its_owner(self):
        for header, function in functions():
            hands_out = "*" in function["result"] or re.search(
                r"\*\*(out|maps)\b", function["parameters"]
            )
            if hands_out:
                with self.subTest(header=header, function=function["name"]):
                    self.assertRegex(function["comment"], r"Ownership:")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

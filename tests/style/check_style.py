#!/usr/bin/env python3
"""Checks the form of all sources by the committed configurations.

    check_style.py CHECK ROOT     one of the checks below; exit status 77 when its tool is missing
    check_style.py --fix ROOT     rewrites what clang-format, ruff and the NULL tests can rewrite

The tools are those of Debian 12, and ruff from the virtual environment build-style-environment in
ROOT, which run-tests makes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import null_tests

COLUMNS = 100
CLANG_FORMAT_VERSION = "14"
RUFF_VERSION = "0.17.6"
RUFF = "build-style-environment/bin/ruff"
SKIPPED = 77

C_FOLDERS = ("include", "lib", "shim", "tools", "tests", "examples")
C_SUFFIXES = {".c", ".h", ".cpp", ".hpp", ".cc", ".cu"}
SHELL_SHEBANG = re.compile(rb"#!\S*/(?:env )?(?:ba|da)?sh\b")
# Python that mypy checks beside the package, whose functions have annotations.
TYPED = ("scripts", "tests/style")


class MissingTool(Exception):
    """A tool is absent or has another version."""


def tracked(root: Path) -> Iterator[Path]:
    """The source files below a folder, without those that a build or a tool writes."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(("build", "__pycache__")) and (name[0] != "." or name == ".ci")
        )
        yield from (Path(folder, name).relative_to(root) for name in sorted(files))


def c_sources(root: Path) -> list[Path]:
    return [
        path for path in tracked(root) if path.parts[0] in C_FOLDERS and path.suffix in C_SUFFIXES
    ]


def python_sources(root: Path) -> list[Path]:
    return [path for path in tracked(root) if path.suffix == ".py"]


def shell_scripts(root: Path) -> list[Path]:
    def is_script(path: Path) -> bool:
        if path.suffix:
            return path.suffix in (".sh", ".sbatch", ".bash")
        with open(root / path, "rb") as file:
            return SHELL_SHEBANG.match(file.readline()) is not None

    return [path for path in tracked(root) if is_script(path)]


# --- tools --------------------------------------------------------------------------------------


def version_of(tool: str) -> str:
    """The version that a tool prints; empty when it cannot be run."""
    try:
        printed = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return ""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", printed)
    return found[0] if found else ""


def clang_format() -> str:
    for tool in (f"clang-format-{CLANG_FORMAT_VERSION}", "clang-format"):
        if version_of(tool).split(".")[0] == CLANG_FORMAT_VERSION:
            return tool
    raise MissingTool(f"no clang-format {CLANG_FORMAT_VERSION}")


def ruff(root: Path) -> str:
    tool = str(root / RUFF)
    if version_of(tool) != RUFF_VERSION:
        raise MissingTool(f"no ruff {RUFF_VERSION}")
    return tool


def installed(tool: str) -> str:
    if not shutil.which(tool):
        raise MissingTool(f"no {tool}")
    return tool


def succeeds(root: Path, *command: str | Path) -> bool:
    return subprocess.run(command, cwd=root).returncode == 0


# --- checks -------------------------------------------------------------------------------------


def check_clang_format(root: Path) -> bool:
    return succeeds(root, clang_format(), "--dry-run", "-Werror", *c_sources(root))


def check_null_tests(root: Path) -> bool:
    found = False
    for path in c_sources(root):
        text = (root / path).read_text()
        for finding in null_tests.find(text):
            found = True
            print(f"{path}:{finding.line}: write {finding.replacement}")
    return not found


def check_shellcheck(root: Path) -> bool:
    return succeeds(root, installed("shellcheck"), "--external-sources", *shell_scripts(root))


def check_ruff(root: Path) -> bool:
    tool = ruff(root)
    is_clean = succeeds(root, tool, "check", "--quiet", "--no-cache", ".")
    return succeeds(root, tool, "format", "--quiet", "--no-cache", "--check", ".") and is_clean


def check_mypy(root: Path) -> bool:
    command = [installed("mypy"), "--config-file", "mypy.ini", "--cache-dir", os.devnull]
    results = [succeeds(root, *command, folder) for folder in ("python/sscam", *TYPED)]
    return all(results)


def check_columns(root: Path) -> bool:
    """Lines of C, Python, shell and Markdown."""
    found = False
    markdown = [path for path in tracked(root) if path.suffix == ".md"]
    for path in (*c_sources(root), *python_sources(root), *shell_scripts(root), *markdown):
        text = (root / path).read_text(encoding="utf-8")
        if path.suffix == ".md":
            text = without_undivided_lines(text)
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > COLUMNS:
                found = True
                print(f"{path}:{number}: {len(line)} columns, not at most {COLUMNS}")
    return not found


def without_undivided_lines(markdown: str) -> str:
    """The text with empty lines for what cannot be divided: table rows, links, code."""
    markdown = re.sub(r"(?ms)^ *```.*?^ *```", lambda block: "\n" * block[0].count("\n"), markdown)
    return re.sub(r"(?m)^(?:\s*(?:\||!\[|\[).*| {4}.*|\S+)$", "", markdown)


CHECKS: dict[str, Callable[[Path], bool]] = {
    "clang-format": check_clang_format,
    "null-tests": check_null_tests,
    "shellcheck": check_shellcheck,
    "ruff": check_ruff,
    "mypy": check_mypy,
    "columns": check_columns,
}


def fix(root: Path) -> bool:
    for path in c_sources(root):
        text = (root / path).read_text()
        fixed = null_tests.fixed(text)
        if fixed != text:
            (root / path).write_text(fixed)
    tool = ruff(root)
    done = [
        succeeds(root, clang_format(), "-i", *c_sources(root)),
        succeeds(root, tool, "check", "--quiet", "--no-cache", "--fix", "."),
        succeeds(root, tool, "format", "--quiet", "--no-cache", "."),
    ]
    return all(done)


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in ("--fix", *CHECKS):
        print(__doc__, "checks:", " ".join(CHECKS), file=sys.stderr)
        return 2
    check = CHECKS.get(sys.argv[1], fix)
    try:
        return 0 if check(Path(sys.argv[2]).resolve()) else 1
    except MissingTool as missing:
        print(f"skipped: {missing}")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())

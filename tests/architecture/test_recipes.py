"""Follows docs/architecture.md's lists for a dummy method, option and metric, builds the core, runs
it.

usage: test_recipes.py ROOT MESON_OPTION...

The source tree is copied; what a list names is changed there and nothing else. So a list that
misses a file fails here, and so does one that names a file that is no longer there.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv[1])
MESON_OPTIONS = sys.argv[2:]
PAGE = (ROOT / "docs/architecture.md").read_text()
COPIED = ("include", "lib", "shim", "pkgconfig", "tools", "tests", "docs", "examples")

METHOD = """/* A map of nothing but the activations' means, for a test. */
#include "methods/methods.h"

sscam_status sscam_weigh_dummy_cam(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    for (int64_t k = 0; k < capture->channels; k++)
        for (int64_t p = 0; p < positions; p++)
            job->weights[k] += capture->activations[k * positions + p] / (float)positions;
    return SSCAM_OK;
}
"""

PROGRAM = """
#include <stdio.h>
#include <string.h>

#include "options/metric_table.h"
#include "sscam/sscam.h"
#include "support/arrays.h"
#include "support/fake_backend.h"
#include "support/shorthands.h"

static void need(sscam_status status)
{
    if (status == SSCAM_OK)
        return;
    fprintf(stderr, "%s\\n", sscam_last_error());
    _Exit(1);
}

int main(void)
{
    static float input[3 * 8 * 8];
    const int64_t shape[4] = {1, 3, 8, 8};
    sscam_model *model;
    sscam_explainer *explainer;
    sscam_map *map;
    uint32_t metrics;
    for (int i = 0; i < 3 * 8 * 8; i++)
        input[i] = (float)(i % 13) / 13.0f;
    need(sscam_model_load_memory("fake linear", strlen("fake linear"), "cpu", &model));
    need(sscam_explainer_create(model, "dummy-cam", &explainer));
    need(sscam_explainer_set(explainer, "dummy", "on"));
    need(sscam_metrics_parse("dummy_metric", &metrics));
    need(sscam_explain_array(explainer, ARRAY(input, shape, 4), NULL, &map));
    printf("%s %s %d", sscam_map_method(map), option_text(explainer, "dummy"),
           metrics == SSCAM_METRIC_BIT(SSCAM_METRIC_DUMMY));
    for (int k = 0; k < FAKE_CHANNELS; k++)
        printf(" %d", sscam_map_weights(map)[k] >= 0.0f);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
    return 0;
}
"""


def files_of(recipe: str) -> list[str]:
    """Paths that a list of the page names, without those that stand for a name."""
    text = re.search(rf"^### {recipe}$(.*?)^##", PAGE, re.MULTILINE | re.DOTALL)
    assert text is not None, f"no list for {recipe}"
    return [
        path for path in re.findall(r"`([\w./-]+/[\w.-]*)`", text.group(1)) if "NAME" not in path
    ]


class Tree:
    """A copy of the sources, and what was changed in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.changed = folder, set()
        tracked = [name for name in COPIED if (ROOT / name).is_dir()]
        for name in tracked:
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pt")
            )
        for file in ROOT.glob("meson*"):
            shutil.copy(file, folder)

    def write(self, path: str, text: str) -> None:
        self.changed.add(path)
        (self.folder / path).write_text(text)

    def replace(self, path: str, pattern: str, new: str) -> None:
        """Replaces the first match of a pattern, which must be there."""
        text, count = re.subn(
            pattern,
            lambda match: match.expand(new),
            (self.folder / path).read_text(),
            count=1,
            flags=re.MULTILINE | re.DOTALL,
        )
        assert count == 1, f"{path} has nothing like {pattern}"
        self.write(path, text)


def add_method(tree: Tree) -> None:
    tree.write("lib/methods/dummy_cam.c", METHOD)
    tree.replace("lib/methods/meson.build", r"'cam\.c',", r"'cam.c', 'dummy_cam.c',")
    tree.replace(
        "lib/methods/methods.h",
        r"^(sscam_status sscam_weigh_cam\()",
        r"sscam_status sscam_weigh_dummy_cam(sscam_map_job *job);\n\1",
    )
    tree.replace(
        "lib/methods/method_registry.c",
        r"^(static const sscam_method table\[\] = \{\n)",
        r'\1    {"dummy-cam", "Dummy", "a_k = mean of A_k", "nobody", 0,'
        r" sscam_weigh_dummy_cam, 0},\n",
    )


def add_option(tree: Tree) -> None:
    limit = int(
        re.search(
            r"SSCAM_OPTION_LIMIT = (\d+)", (ROOT / "lib/options/options.h").read_text()
        ).group(1)
    )
    tree.replace(
        "include/sscam/option.h",
        r"^(#define SSCAM_OPTION_LAYER )",
        rf"#define SSCAM_OPTION_DUMMY {limit}\n\1",
    )
    tree.replace(
        "lib/options/options.h", r"SSCAM_OPTION_LIMIT = \d+", f"SSCAM_OPTION_LIMIT = {limit + 1}"
    )
    tree.replace(
        "lib/options/options.c",
        r"^(static const sscam_option table\[\] = \{\n)",
        r'\1    CHOICE(DUMMY, "dummy", VALUES("off", "on"), "Nothing."),\n',
    )


def add_metric(tree: Tree) -> None:
    limit = int(
        re.search(
            r"SSCAM_METRIC_LIMIT = (\d+)", (ROOT / "lib/options/metric_table.h").read_text()
        ).group(1)
    )
    tree.replace(
        "include/sscam/metric.h",
        r"^(#define SSCAM_METRIC_AVERAGE_DROP )",
        rf"#define SSCAM_METRIC_DUMMY {limit}\n\1",
    )
    tree.replace(
        "lib/options/metric_table.h",
        r"SSCAM_METRIC_LIMIT = \d+",
        f"SSCAM_METRIC_LIMIT = {limit + 1}",
    )
    tree.replace(
        "lib/options/metric_table.c",
        r"^(static const sscam_metric table\[\] = \{\n)",
        r'\1    {SSCAM_METRIC_DUMMY, 1, "dummy_metric", "Dummy", "%", "nothing", "nobody"},\n',
    )


RECIPES = {"A method": add_method, "An option": add_option, "A metric": add_metric}


class Recipes(unittest.TestCase):
    def test_every_file_that_is_named_exists(self):
        for path in set(
            re.findall(r"`((?:include|lib|shim|tools|tests|docs|python)/[\w./-]*)`", PAGE)
        ):
            if "NAME" not in path:
                with self.subTest(path):
                    self.assertTrue((ROOT / path).exists())

    def test_every_function_that_is_named_is_in_its_file(self):
        rows = re.findall(
            r"^\|[^|]*\|[^|]*\| `(?:\w+::)?(\w+)\(\)` \| `([\w/.]+)` \|$", PAGE, re.MULTILINE
        )
        self.assertGreater(len(rows), 5)
        for function, path in rows:
            with self.subTest(function):
                self.assertIn(f"{function}(", (ROOT / path).read_text())

    def test_dummies_by_the_lists(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree(Path(folder))
            for recipe, add in RECIPES.items():
                tree.changed = set()
                add(tree)
                named = set(files_of(recipe)) | {"lib/methods/dummy_cam.c"}
                self.assertLessEqual(tree.changed, named, recipe)
            self.assertEqual(self.run_program(tree), "dummy-cam on 1 1 1 1 1 1")

    def run_program(self, tree: Tree) -> str:
        tree.write(
            "tests/meson.build",
            (tree.folder / "tests/meson.build").read_text().split("# The suites of each room")[0]
            + "executable('dummy', 'dummy.c', dependencies: fake_dep)\n",
        )
        tree.write("tests/dummy.c", PROGRAM)
        build = tree.folder / "build"
        setup = [
            "meson",
            "setup",
            build,
            tree.folder,
            "-Ddefault_library=static",
            "-Dtools=disabled",
            "-Dbuildtype=debug",
            *MESON_OPTIONS,
        ]
        for command in (setup, ["ninja", "-C", build, "tests/dummy"]):
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return subprocess.run(
            [build / "tests/dummy"], capture_output=True, text=True, check=True
        ).stdout


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

#!/usr/bin/env python3
"""Installs the library into a scratch folder and builds programs against it the ways others will.

    run.py SETTINGS.json [TEST...]

SETTINGS.json comes from meson.build. Slow compilations are kept in the build folder and redone when
what they are made from has changed.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETTINGS = json.loads(Path(sys.argv[1]).read_text())
BUILD_ROOT, SOURCE_ROOT = Path(SETTINGS["build_root"]), Path(SETTINGS["source_root"])
KEPT = Path(SETTINGS["kept_folder"])
LIBDIR = SETTINGS["libdir"]

STRICT_C = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def run(*command, **options):
    """Run a command that must succeed; its output."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}\nexited with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Stage:
    """The library as `meson install` leaves it, under a DESTDIR."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="sscam-stage-")
        self.destdir = Path(self._folder.name)
        run(
            "meson",
            "install",
            "-C",
            BUILD_ROOT,
            "--no-rebuild",
            "--quiet",
            "--destdir",
            self.destdir,
        )
        self.prefix = Path(f"{self.destdir}{SETTINGS['prefix']}")
        self.libdir = self.prefix / LIBDIR
        self.environment = dict(os.environ, LD_LIBRARY_PATH=str(self.libdir))

    def pkg_config(self, *flags):
        # The prefix alone moves: a sysroot would move the folders of libtorch and OpenBLAS too.
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.libdir / "pkgconfig"))
        return run(
            "pkg-config",
            f"--define-variable=prefix={self.prefix}",
            *flags,
            "sscam",
            env=environment,
        ).split()

    def close(self):
        self._folder.cleanup()


class Scene:
    """An image of known content: `arguments` are those of explain_scene.c."""

    # Resized so that the shorter side has 256 pixels, then cropped to the middle 224 x 224: the
    # library's default.
    SHORTER_SIDE, CROP = 256, 224

    def __init__(self):
        self.model, self.image = SETTINGS["model"], SETTINGS["image"]
        annotation = ElementTree.parse(SETTINGS["annotation"])
        labels = Path(SETTINGS["labels"]).read_text().splitlines()
        item = annotation.find("object")
        size = [int(annotation.findtext(f"size/{name}")) for name in ("width", "height")]
        box = [float(item.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
        self.class_index = labels.index(item.findtext("name"))
        self.box = self._in_network_input(box, size)
        self.arguments = [self.model, self.image, self.class_index, *self.box]

    def _in_network_input(self, box, size):
        scale = self.SHORTER_SIDE / min(size)
        margins = [(round(length * scale) - self.CROP) / 2 for length in size] * 2
        return [round(edge * scale - margin) for edge, margin in zip(box, margins)]


def compile_kept(name, command, inputs):
    """Run a slow compilation to KEPT/name unless it was done with the same command and inputs."""
    output, stamp = KEPT / name, KEPT / f"{name}.made-from"
    digest = hashlib.sha256(" ".join(map(str, command)).encode())
    for path in inputs:
        digest.update(Path(path).read_bytes())
    if not output.exists() or not stamp.exists() or stamp.read_text() != digest.hexdigest():
        run(*command, "-o", output)
        stamp.write_text(digest.hexdigest())
    return output


def setUpModule():
    global stage, scene
    KEPT.mkdir(parents=True, exist_ok=True)
    stage, scene = Stage(), Scene()
    unittest.addModuleCleanup(stage.close)


class Consumer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sscam-consumer-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def cc(self, name, *flags, before=()):
        program = self.folder / name
        run(*SETTINGS["cc"], *before, HERE / f"{name}.c", "-o", program, *flags)
        return program

    def check_explains(self, program, environment=None):
        output = run(program, *scene.arguments, env=environment or stage.environment)
        self.assertRegex(output, rf"class {scene.class_index}, [1-9][0-9]* passes, highest at")

    def needed(self, program):
        return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))


class PkgConfig(Consumer):
    def test_shared(self):
        flags = stage.pkg_config("--cflags", "--libs")
        program = self.cc("explain_scene", *flags, before=STRICT_C)
        self.assertIn("libsscam.so.1", self.needed(program))
        self.check_explains(program)

    def test_shared_asks_for_nothing_else(self):
        flags = stage.pkg_config("--libs")
        self.assertEqual([flag for flag in flags if flag.startswith("-l")], ["-lsscam"])
        program = self.cc("explain_scene", *stage.pkg_config("--cflags"), *flags)
        self.assertFalse(
            [name for name in self.needed(program) if "torch" in name or "c10" in name]
        )

    def test_static(self):
        flags = [
            flag.replace("-lsscam", "-l:libsscam.a")
            for flag in stage.pkg_config("--cflags", "--libs", "--static")
        ]
        program = self.cc("explain_scene", *flags, before=STRICT_C)
        self.assertNotIn("libsscam.so.1", self.needed(program))
        self.check_explains(program, os.environ)

    def test_two_explainers_in_two_threads(self):
        program = self.cc(
            "two_threads",
            *stage.pkg_config("--cflags", "--libs"),
            "-pthread",
            "-lm",
            before=["-std=gnu11", "-Wall", "-Wextra", "-Werror"],
        )
        self.assertIn("as alone", run(program, scene.model, scene.image, env=stage.environment))

    def test_beside_its_own_libtorch(self):
        headers = SOURCE_ROOT.glob("include/sscam/*.h")
        source = HERE / "with_libtorch.cpp"
        # The headers in the tree are those of the stage, whose folder changes with every run.
        compiled = compile_kept(
            "with_libtorch.o",
            [
                *SETTINGS["cxx"],
                "-std=c++17",
                "-c",
                source,
                "-I",
                SOURCE_ROOT / "include",
                *SETTINGS["torch_compile_args"],
            ],
            [source, *headers],
        )
        program = self.folder / "with_libtorch"
        run(
            *SETTINGS["cxx"],
            compiled,
            "-o",
            program,
            *stage.pkg_config("--libs"),
            *SETTINGS["torch_link_args"],
        )
        self.assertIn("one libtorch", run(program, *scene.arguments, env=stage.environment))


@unittest.skipUnless(shutil.which("cmake"), "CMake is not installed")
class CMake(Consumer):
    def configure(self, *arguments):
        return run(
            "cmake",
            "-S",
            HERE / "cmake_project",
            "-B",
            self.folder / "build",
            f"-DCMAKE_PREFIX_PATH={stage.prefix}",
            *arguments,
        )

    def test_shared_and_static(self):
        self.configure()
        run("cmake", "--build", self.folder / "build")
        for name in ("with_shared", "with_static"):
            program = self.folder / "build" / name
            self.assertEqual("libsscam.so.1" in self.needed(program), name == "with_shared")
            self.check_explains(program)

    def test_other_major_version_is_refused(self):
        text = (HERE / "cmake_project" / "CMakeLists.txt").read_text()
        self.assertEqual(text.count("sscam 1.0"), 1)
        (self.folder / "CMakeLists.txt").write_text(text.replace("sscam 1.0", "sscam 2.0"))
        with self.assertRaisesRegex(AssertionError, "version"):
            run(
                "cmake",
                "-S",
                self.folder,
                "-B",
                self.folder / "build",
                f"-DCMAKE_PREFIX_PATH={stage.prefix}",
            )


class Meson(Consumer):
    @unittest.skipIf(
        SETTINGS["torch_folder"], "takes minutes, and is done with the default libtorch"
    )
    def test_subproject(self):
        project, build = KEPT / "subproject", KEPT / "subproject-build"
        (project / "subprojects").mkdir(parents=True, exist_ok=True)
        for source in (HERE / "subproject" / "meson.build", HERE / "explain_scene.c"):
            shutil.copy2(source, project)
        library = project / "subprojects" / "sscam"
        if not library.is_symlink():
            library.symlink_to(SOURCE_ROOT)
        if not (build / "build.ninja").exists():
            run(
                "meson",
                "setup",
                build,
                project,
                "--wrap-mode=forcefallback",
                *(f"-Dsscam:{name}={value}" for name, value in SETTINGS["torch_options"].items()),
            )
        run("ninja", "-C", build)
        self.check_explains(build / "explain_scene", os.environ)

    def test_uninstalled(self):
        program = self.folder / "explain_scene"
        words = [*SETTINGS["cc"], *STRICT_C, HERE / "explain_scene.c", "-o", program]
        flags = "$(pkg-config --cflags --libs sscam)"
        in_devenv = ["meson", "devenv", "-C", BUILD_ROOT]
        run(*in_devenv, "sh", "-c", f"{' '.join(map(str, words))} {flags}")
        output = run(*in_devenv, program, *scene.arguments)
        self.assertIn(f"class {scene.class_index}", output)


class Installation(Consumer):
    def test_everything_is_there(self):
        expected = {
            f"{LIBDIR}/libsscam.so",
            f"{LIBDIR}/libsscam.so.1",
            f"{LIBDIR}/libsscam.a",
            f"{LIBDIR}/pkgconfig/sscam.pc",
            f"{LIBDIR}/cmake/sscam/sscam-config.cmake",
            f"{LIBDIR}/cmake/sscam/sscam-config-version.cmake",
            f"{SETTINGS['mandir']}/man3/libsscam.3",
        }
        if SETTINGS["has_program"]:
            expected |= {
                "bin/sscam",
                f"{SETTINGS['mandir']}/man1/sscam.1",
                f"{SETTINGS['datadir']}/bash-completion/completions/sscam",
            }
        expected |= {
            f"{SETTINGS['includedir']}/sscam/{header.name}"
            for header in (SOURCE_ROOT / "include" / "sscam").glob("*.h")
        }
        installed = {
            str(path.relative_to(stage.prefix))
            for path in stage.prefix.rglob("*")
            if not path.is_dir()
        }
        self.assertEqual(expected - installed, set())

    def test_nothing_private_is_there(self):
        archives = {path.name for path in stage.prefix.rglob("*.a")}
        self.assertEqual(archives, {"libsscam.a"})

    def assert_names_no_folder_of_the_build(self, text, path):
        # libtorch's folder is named on purpose, wherever it is.
        if SETTINGS["torch_folder"]:
            text = text.replace(SETTINGS["torch_folder"], "")
        for folder in (BUILD_ROOT, SOURCE_ROOT, stage.destdir):
            self.assertNotIn(str(folder), text, path)

    def test_no_text_names_the_folders_of_the_build(self):
        for path in stage.prefix.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            if b"\0" not in content:
                self.assert_names_no_folder_of_the_build(content.decode(), path)

    def test_run_paths_do_not_name_the_folders_of_the_build(self):
        programs = [stage.libdir / "libsscam.so.1"] + (
            [stage.prefix / "bin/sscam"] if SETTINGS["has_program"] else []
        )
        for path in programs:
            run_paths = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", run("readelf", "-d", path))
            self.assert_names_no_folder_of_the_build(" ".join(run_paths), path)

    @unittest.skipUnless(SETTINGS["has_program"], "the program is not built")
    def test_program_runs_from_there(self):
        self.assertIn("grad-cam", run(stage.prefix / "bin/sscam", "methods", env=stage.environment))

    @unittest.skipUnless(SETTINGS["has_program"] and shutil.which("bash"), "no program, or no bash")
    def test_completion_completes(self):
        completion = stage.prefix / SETTINGS["datadir"] / "bash-completion/completions/sscam"
        environment = dict(stage.environment, PATH=f"{stage.prefix / 'bin'}:{os.environ['PATH']}")
        expected = {
            ("ex",): "explain",
            ("explain", "model.pt", "-m", "grad-cam,score"): "grad-cam,score-cam",
            ("explain", "--noise-t"): "--noise-target",
            ("explain", "--noise-target", ""): "mask input activation",
            ("explain", "--set", "noise_scale", "=", "r"): "range",
        }
        for words, completed in expected.items():
            with self.subTest(words):
                line = " ".join(f"'{word}'" for word in ("sscam", *words))
                script = (
                    f"compopt() {{ :; }}; source {completion}; "
                    f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; "
                    "_sscam; echo ${COMPREPLY[*]}"
                )
                self.assertEqual(run("bash", "-c", script, env=environment).strip(), completed)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_manual_pages_are_well_formed(self):
        for page in (stage.prefix / SETTINGS["mandir"]).rglob("*.[13]"):
            warnings = subprocess.run(
                ["groff", "-ww", "-man", "-Tutf8", "-z", str(page)],
                text=True,
                stderr=subprocess.PIPE,
            ).stderr
            self.assertEqual(warnings, "", page)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)

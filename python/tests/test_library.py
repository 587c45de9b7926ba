"""Finding and loading the library, and refusing what cannot work. Libraries that are broken in the
right way are made with the C compiler; each import has a process of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import sscam
from conftest import FAKE_BACKEND, ROOT, run_python
from sscam import _elf, _native

COMPILER = shutil.which("cc")
PACKAGE = Path(sscam.__file__).parent
LIBRARY = os.path.abspath(_native._loaded._name)

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="skipped: no C compiler")
needs_libtorch = pytest.mark.skipif(FAKE_BACKEND, reason="skipped: a library without libtorch")


def import_sscam(before="", **environment):
    """Import in a new process, after some other code; the version, or the last line of error."""
    done = run_python(f"{before}\nimport sscam; print(sscam.__version__)", **environment)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def compile_library(path, source="", *flags):
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            COMPILER,
            "-shared",
            "-fPIC",
            "-Wl,--no-as-needed",
            "-x",
            "c",
            "-",
            "-x",
            "none",
            "-o",
            str(path),
            *map(str, flags),
        ],
        input=source,
        text=True,
        check=True,
    )
    return path


def test_versions():
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{sscam.__version__}"' in project
    assert sscam.build_info().startswith(f"sscam: {sscam.__version__}\n")


def test_environment_names_the_library():
    assert import_sscam(SSCAM_LIBRARY=LIBRARY) == sscam.__version__


def test_named_library_that_is_missing():
    message = import_sscam(SSCAM_LIBRARY="/nowhere/libsscam.so")
    assert message.startswith("ImportError: libsscam, as $SSCAM_LIBRARY names it, cannot be loaded")
    assert "/nowhere/libsscam.so" in message


def test_library_beside_the_package(tmp_path):
    copied = shutil.copytree(
        PACKAGE, tmp_path / "sscam", ignore=shutil.ignore_patterns("__pycache__")
    )
    (copied / "libsscam.so.1").symlink_to(LIBRARY)
    assert (
        import_sscam("import sys; sys.path.insert(0, '" + str(tmp_path) + "')", SSCAM_LIBRARY="")
        == sscam.__version__
    )


def install_package(folder, releases, libraries, installed):
    """A copy of the package, built for releases of torch, beside a torch or none. Code that makes
    it the one that is imported."""
    copied = shutil.copytree(
        PACKAGE, folder / "sscam", ignore=shutil.ignore_patterns("__pycache__")
    )
    for library in libraries:
        (copied / library).parent.mkdir(exist_ok=True)
        (copied / library).symlink_to(LIBRARY)
    (copied / "_build.py").write_text(f'TORCH_RELEASES = "{releases}".split()\n')
    metadata = folder / "torch-0.dist-info"
    if installed:
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Name: torch\nVersion: {installed}\n")
    return (
        "import importlib.metadata, sys\n"
        f"sys.path.insert(0, '{folder}')\n"
        + ("" if installed else "importlib.metadata.version = lambda name: no_torch(name)\n")
        + "def no_torch(name): raise importlib.metadata.PackageNotFoundError(name)"
    )


@pytest.mark.parametrize("installed", ["2.99.0+cpu", None])
@pytest.mark.parametrize("releases", ["2.98.0", "2.97.1 2.98.0"])
def test_library_beside_the_package_for_another_torch(tmp_path, releases, installed):
    chosen = install_package(tmp_path, releases, ["libsscam.so.1"], installed)
    message = import_sscam(chosen, SSCAM_LIBRARY="")
    built_for = releases.replace(" ", " and ")
    assert message.startswith(f"ImportError: this sscam was built for torch {built_for}, ")
    assert ("has torch 2.99.0: install" if installed else "has no torch: install") in message
    assert message.endswith("torch==2.98.0")


def test_library_for_the_torch_that_is_installed(tmp_path):
    """Of several; the others are broken."""
    libraries = ["torch-2.99.0/libsscam.so.1"]
    chosen = install_package(tmp_path, "2.98.0 2.99.0", libraries, "2.99.0+cpu")
    assert import_sscam(chosen, SSCAM_LIBRARY="") == sscam.__version__


def test_library_by_soname(tmp_path):
    (tmp_path / "libsscam.so.1").symlink_to(LIBRARY)
    found = import_sscam(SSCAM_LIBRARY="", LD_LIBRARY_PATH=str(tmp_path))
    assert found == sscam.__version__


@needs_compiler
def test_another_binary_interface(tmp_path):
    library = compile_library(
        tmp_path / "libsscam.so.1", "int sscam_abi_version(void) { return 7; }"
    )
    message = import_sscam(SSCAM_LIBRARY=str(library))
    assert message == (
        f"ImportError: {library} has version 7 of the binary interface; "
        "this package needs version 1"
    )


@needs_compiler
def test_older_release(tmp_path):
    library = compile_library(
        tmp_path / "libsscam.so.1", "int sscam_abi_version(void) { return 1; }"
    )
    message = import_sscam(SSCAM_LIBRARY=str(library))
    assert message.startswith(f"ImportError: {library} has no sscam_")
    assert message.endswith(": it is older than this package")


@needs_compiler
def test_another_library(tmp_path):
    library = compile_library(tmp_path / "libother.so")
    assert "is not libsscam" in import_sscam(SSCAM_LIBRARY=str(library))


# --- one libtorch a process ---------------------------------------------------------------------


def loading(path):
    return f"import ctypes; ctypes.CDLL({str(path)!r})"


@needs_compiler
@needs_libtorch
def test_libtorch_of_another_name(tmp_path):
    """What pip's torch looks like to a libsscam that was linked with a distribution's."""
    other = compile_library(
        tmp_path / "torch" / "lib" / "libtorch_cpu.so", "", "-Wl,-soname,libtorch_cpu.so.9.9"
    )
    message = import_sscam(loading(other), SSCAM_LIBRARY=LIBRARY)
    assert message.startswith("ImportError: this process has loaded the libtorch")
    for part in (str(other), LIBRARY, f"-Dtorch_prefix={tmp_path / 'torch'}", "SSCAM_LIBRARY"):
        assert part in message


@needs_compiler
@pytest.mark.parametrize("present, refused", [("same", False), ("copy", False), ("other", True)])
def test_libtorch_of_the_same_name(tmp_path, present, refused):
    """Two installations of pip's torch: the same name, perhaps not the same release."""
    name = "-Wl,-soname,libtorch_cpu.so"
    wanted = compile_library(tmp_path / "wanted" / "libtorch_cpu.so", "int release = 1;", name)
    other = compile_library(tmp_path / "other" / "libtorch_cpu.so", "int release = 2;", name)
    (tmp_path / "copy").mkdir()
    copied = Path(shutil.copy(wanted, tmp_path / "copy"))
    library = compile_library(
        tmp_path / "lib" / "libsscam.so.1",
        "int sscam_abi_version(void) { return 7; }",
        wanted,
        "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../wanted",
    )
    loaded = {"same": wanted, "copy": copied, "other": other}[present]
    message = import_sscam(loading(loaded), SSCAM_LIBRARY=str(library))
    if refused:
        assert str(other) in message and "wanted/libtorch_cpu.so" in message
    else:
        assert "version 7 of the binary interface" in message


@needs_compiler
@needs_libtorch
@pytest.mark.parametrize("has_libtorch, refused", [(True, True), (False, False)])
def test_another_torch_is_not_imported_afterwards(tmp_path, has_libtorch, refused):
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("print('imported')")
    if has_libtorch:
        compile_library(package / "lib" / "libtorch_cpu.so")
    script = f"import sscam, sys; sys.path.insert(0, {str(tmp_path)!r}); import torch"
    done = run_python(script, SSCAM_LIBRARY=LIBRARY)
    if refused:
        message = done.stderr.splitlines()[-1]
        assert message.startswith("ImportError: this process has loaded the libtorch")
        assert str(package / "lib" / "libtorch_cpu.so") in message
    else:
        assert (done.returncode, done.stdout) == (0, "imported\n")


@needs_libtorch
@pytest.mark.parametrize("first, second", [("sscam", "torch"), ("torch", "sscam")])
def test_python_s_torch_in_the_same_process(first, second, model_path):
    """With the torch that libsscam was linked with: both orders, and both at work."""
    done = run_python(
        f"""
import sys
try:
    import {first}, {second}
except ImportError as failure:
    print("absent:", failure)
    sys.exit()
libtorches = {{line.split()[-1] for line in open("/proc/self/maps") if "libtorch_cpu" in line}}
if len(libtorches) > 1:
    print("absent: another torch,", libtorches)
    sys.exit()
import numpy
network = torch.jit.load(sys.argv[1]).eval()
model = sscam.Model(sys.argv[1])
inputs = numpy.linspace(-1, 1, 3 * 64 * 64, dtype=numpy.float32).reshape(1, 3, 64, 64)
with torch.no_grad():
    expected = network(torch.from_numpy(inputs)).numpy()
numpy.testing.assert_allclose(model.classify(torch.from_numpy(inputs)), expected, atol=1e-3)
assert model.explain(torch.from_numpy(inputs), "grad-cam")[0].data.max() == 1
print("both")
""",
        model_path,
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("absent"):
        pytest.skip(f"skipped: no torch beside the library's: {done.stdout.strip()}")
    assert done.stdout == "both\n"


# --- reading shared libraries -------------------------------------------------------------------


@needs_compiler
def test_dynamic_section(tmp_path):
    needed = compile_library(tmp_path / "libneeded.so", "", "-Wl,-soname,libneeded.so.3")
    for flag, folders in (
        ("--enable-new-dtags", ((), ("/one", "/two"))),
        ("--disable-new-dtags", (("/one", "/two"), ())),
    ):
        library = compile_library(
            tmp_path / "liball.so",
            "",
            needed,
            "-Wl,-soname,liball.so.5",
            f"-Wl,{flag},-rpath,/one:/two",
        )
        dynamic = _elf.read_dynamic(str(library))
        assert dynamic.soname == "liball.so.5" and "libneeded.so.3" in dynamic.needed
        assert (dynamic.rpath, dynamic.runpath) == folders


def test_no_shared_library(tmp_path):
    whole = Path(LIBRARY).read_bytes()
    for content in (
        b"",
        b"text",
        b"\x7fELF\x01\x01",
        whole[:100],
        whole[:64] + bytes(1000),
        whole[:6] + bytes(90),
    ):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ValueError):
            _elf.read_dynamic(str(tmp_path / "file"))

"""Who may include what: the rooms of the house, enforced by reading the includes.

usage: rooms.py ROOT

First proves on small made-up trees that it finds what it is to find, then reads the tree at ROOT.
"""

import re
import sys
import tempfile
from pathlib import Path

SOURCES = {".c", ".h", ".cpp", ".hpp", ".cc", ".hh", ".cu", ".cuh"}
INCLUDE = re.compile(
    r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*(?:<([^>\n]+)>|"([^"\n]+)"|(\S+))', re.MULTILINE
)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

# Headers of the libraries that one file each speaks to.
ONE_DOOR = re.compile(r"(png|jpeglib|cblas|lapacke?|jansson|yaml)\.h$|(libxml|pango|nlohmann)/")
TORCH = re.compile(r"(torch|c10|ATen|caffe2)/")
# Reading, writing and asking the system are not the shim's.
INPUT_OUTPUT = {
    "fstream",
    "iostream",
    "ostream",
    "istream",
    "cstdio",
    "stdio.h",
    "filesystem",
    "unistd.h",
    "fcntl.h",
    "sys/stat.h",
    "dirent.h",
}
# The rooms of lib/, from the lowest up: a room includes itself and those before it.
LIB_ROOMS = (
    "base",
    "math",
    "convolution",
    "image",
    "masks",
    "detect",
    "model",
    "engine",
    "options",
    "explain",
    "methods",
    "evaluation",
)
# Which rooms a room of shim/ and tools/ includes beside itself.
SHIM_ROOMS = {
    "common": (),
    "load": ("common", "graph", "program"),
    "program": ("common", "graph"),
    "graph": ("common", "engine"),
    "convolution": ("common", "graph"),
    "score": ("common", "convolution", "engine", "graph", "cuda"),
    "cuda": ("common", "engine", "graph", "load", "score"),
    "engine": ("common", "load", "program", "graph", "score", "cuda"),
}
TOOLS_ROOMS = {
    "common": (),
    "text": ("common",),
    "data": ("common", "text"),
    "report": ("common", "text", "data"),
    "commands": ("common", "text", "data", "report"),
}
# What the shim needs of lib/: the vtable, and what backends and CUDA kernels share. No images,
# no options.
OPEN_TO_SHIM = {
    "base/byte_source.h",
    "base/error.h",
    "base/log.h",
    "base/progress.h",
    "base/shape.h",
    "convolution/convolution.h",
    "detect/detection_anchor.h",
    "detect/detector_layout.h",
    "masks/masked_input.h",
    "masks/noise_math.h",
    "math/upsample.h",
    "model/activation_layout.h",
    "model/backend.h",
    "model/input_layout.h",
    "model/target_pixels.h",
    "model/zip_entries.h",
    "sscam/explainer.h",
    "sscam/cuda.h",
    "sscam/runtime.h",
    "sscam/status.h",
}
# What any C program needs is shared with the program of tools/, which links a copy of its own.
OPEN_TO_TOOLS = "base"
SHIM_DOOR = ("lib/model/backend_default.c", "../../shim/engine/torch_backend.h")
# Files that every folder may have.
COMMON_NAMES = {"conftest", "__init__", "__main__", "main"}


class Include:
    """One include directive: where it stands and what it names."""

    def __init__(self, path, line, angled, quoted, computed):
        self.path, self.line = path, line
        self.name = angled or quoted or computed
        self.is_quoted, self.is_computed = quoted is not None, computed is not None
        self.room = Path(self.name).parts[0]

    def complaint(self, rule):
        return f"{self.path}:{self.line}: includes {self.name}: {rule}"


def includes_of(root, folder):
    """All include directives of a folder's C and C++ files; comments are not read."""
    for file in sorted((root / folder).rglob("*")):
        if file.suffix not in SOURCES or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        text = COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment.group()), text)
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Include(file.relative_to(root), line, *match.groups())


def is_own(root, include, *folders):
    """Whether a quoted name is a file of one of the folders, or of the including file's own."""
    here = root / include.path
    for folder in [here.parent, *(root / folder for folder in folders)]:
        target = (folder / include.name).resolve()
        if target.is_file() and any(
            target.is_relative_to((root / allowed).resolve()) for allowed in folders
        ):
            return True
    return False


def check_public(root):
    for include in includes_of(root, "include"):
        if include.is_quoted and is_own(root, include, "include"):
            continue
        if include.is_quoted or include.name not in ("stddef.h", "stdint.h"):
            yield include.complaint("public headers include <stddef.h>, <stdint.h> and one another")


def check_core(root):
    for include in includes_of(root, "lib"):
        if TORCH.match(include.name):
            yield include.complaint("only shim/ may see libtorch")
        elif "shim" in Path(include.name).parts or "torch_backend" in include.name:
            if (include.path.as_posix(), include.name) != SHIM_DOOR:
                yield include.complaint(f"only {SHIM_DOOR[0]} knows the shim")
        elif include.is_quoted and not is_own(root, include, "lib", "include"):
            yield include.complaint("lib/ includes itself and the public headers")
        elif include.is_quoted and include.room in LIB_ROOMS:
            below = LIB_ROOMS[: LIB_ROOMS.index(include.path.parts[1]) + 1]
            if include.room not in below:
                yield include.complaint(f"lib/{include.path.parts[1]} includes {', '.join(below)}")


def check_rooms_of(root, area, rooms):
    """Rooms of shim/ or tools/ include those of the table alone."""
    for include in includes_of(root, area):
        own = include.path.parts[1]
        if not include.is_quoted or include.room not in rooms or own not in rooms:
            continue
        if include.room not in (own, *rooms[own]):
            yield include.complaint(f"{area}/{own} includes {', '.join((own, *rooms[own]))}")


def check_shim_rooms(root):
    return check_rooms_of(root, "shim", SHIM_ROOMS)


def check_tools_rooms(root):
    return check_rooms_of(root, "tools", TOOLS_ROOMS)


def check_names(root):
    """One name, one file: a module's header and source stand in one folder."""
    folders = {}
    for area in ("lib", "shim", "tools", "tests"):
        for file in sorted((root / area).rglob("*")):
            if (
                file.suffix in SOURCES | {".py"}
                and file.stem not in COMMON_NAMES
                and "consumer" not in file.parts
            ):
                folders.setdefault(file.stem, {}).setdefault(file.parent, file)
    for files in folders.values():
        first, *others = files.values()
        for other in others:
            yield f"{other.relative_to(root)}: {first.relative_to(root)} has that name"


def check_shim(root):
    for include in includes_of(root, "shim"):
        if include.name in INPUT_OUTPUT:
            yield include.complaint("the shim does no input and output")
        elif (
            include.is_quoted
            and include.name not in OPEN_TO_SHIM
            and not is_own(root, include, "shim")
        ):
            yield include.complaint("of the core, the shim sees " + ", ".join(sorted(OPEN_TO_SHIM)))


def check_callers(root):
    for folder in ("tools", "examples", "tests/consumer"):
        for include in includes_of(root, folder):
            is_of_project = include.is_quoted or include.name.startswith("sscam/")
            if TORCH.match(include.name) and folder != "tests/consumer":
                yield include.complaint("only shim/ may see libtorch")
            elif folder != "tests/consumer" and (
                (folder == "tools" and include.room == OPEN_TO_TOOLS)
                or (include.is_quoted and is_own(root, include, folder))
            ):
                continue
            elif is_of_project and (include.is_quoted or include.name != "sscam/sscam.h"):
                yield include.complaint("callers include <sscam/sscam.h> alone of this project")


def check_doors(root):
    users = {}
    for folder in ("include", "lib", "shim", "tools", "examples"):
        for include in includes_of(root, folder):
            door = ONE_DOOR.match(include.name)
            if door:
                users.setdefault(door.group(1) or door.group(2), {}).setdefault(
                    include.path, include
                )
    for files in users.values():
        first, *others = sorted(files)
        for other in others:
            yield files[other].complaint(f"{first} is the one file that does")


def check_computed(root):
    for folder in ("include", "lib", "shim", "tools", "examples"):
        for include in includes_of(root, folder):
            if include.is_computed:
                yield include.complaint("a name that cannot be read here")


CHECKS = (
    check_public,
    check_core,
    check_shim,
    check_shim_rooms,
    check_tools_rooms,
    check_callers,
    check_doors,
    check_computed,
    check_names,
)


def complaints(root):
    return [complaint for check in CHECKS for complaint in check(root)]


# --- its own test ---------------------------------------------------------------------------------

GOOD_TREE = {
    "include/sscam/sscam.h": (
        '#include <stdint.h>\n#include "model.h"\n/* @code\n#include <sscam/x.h>\n*/\n'
    ),
    "include/sscam/model.h": "#include <stddef.h>\n",
    "lib/base/error.h": "",
    "lib/model/backend.h": '#include "sscam/model.h"\n#include <stdlib.h>\n',
    "lib/model/backend_default.c": (
        '#include "../../shim/engine/torch_backend.h"\n#include "model/backend.h"\n'
    ),
    "lib/model/model.c": '#include "base/error.h"\n',
    "lib/image/png.c": '#include <png.h>\n#include "base/error.h"\n',
    "lib/math/linalg.c": "#  include <cblas.h>\n",
    "lib/methods/cam.c": '#include "model/backend.h"\n',
    "lib/options/options.h": "",
    "shim/common/guard.hpp": "",
    "shim/engine/torch_backend.h": '#include "model/backend.h"\n',
    "shim/engine/network.cpp": '#include "engine/torch_backend.h"\n#include "common/guard.hpp"\n'
    "#include <torch/script.h>\n#include <sstream>\n",
    "tools/main.c": '#include "text/json.h"\n#include <sscam/sscam.h>\n#include <stdio.h>\n',
    "tools/text/json.h": "",
    "tools/text/labels.c": "#include <pango/pangocairo.h>\n",
    "tools/text/document.c": "#include <jansson.h>\n",
    "tools/data/names.c": "#include <yaml.h>\n",
    "tools/report/report.c": (
        '#include "text/json.h"\n#include <libxml/tree.h>\n#include <libxml/parser.h>\n'
    ),
    "examples/minimal.cpp": "#include <sscam/sscam.h>\n#include <iostream>\n",
    "examples/engines/engine.hpp": "#include <sscam/sscam.h>\n",
    "examples/engines/program.cpp": '#include "engine.hpp"\n',
    "tests/consumer/beside_torch.cpp": "#include <torch/script.h>\n#include <sscam/sscam.h>\n",
    "tests/cli/conftest.py": "",
    "tests/oracles/conftest.py": "",
}

# What is put into the good tree, and the file and name that must be complained of.
BAD_FILES = (
    ("include/sscam/bad.h", "#include <stdio.h>\n", "stdio.h"),
    ("include/sscam/bad.h", '#include "backend.h"\n', "backend.h"),
    ("include/sscam/bad.h", '#include "../../lib/model/backend.h"\n', "../../lib/model/backend.h"),
    ("include/sscam/bad.h", "#include <sscam/model.h>\n", "sscam/model.h"),
    (
        "lib/model/bad.c",
        '#include "../../shim/engine/torch_backend.h"\n',
        "../../shim/engine/torch_backend.h",
    ),
    ("lib/model/bad.c", "#include <torch/script.h>\n", "torch/script.h"),
    ("lib/model/bad.c", '#include "options/options.h"\n', "options/options.h"),
    ("lib/methods/bad.c", "/* why */ # include <c10/core/Device.h>\n", "c10/core/Device.h"),
    ("lib/base/bad.h", "\t#\tinclude <ATen/ATen.h>\n", "ATen/ATen.h"),
    ("lib/base/bad.c", '#include "../../tools/text/json.h"\n', "../../tools/text/json.h"),
    ("lib/base/bad.c", '#include "model/backend.h"\n', "model/backend.h"),
    ("lib/image/second.c", "#include <png.h>\n", "png.h"),
    ("lib/math/second.c", "#include <cblas.h>\n", "cblas.h"),
    ("lib/base/bad.c", "#include BACKEND_HEADER\n", "BACKEND_HEADER"),
    ("tools/text/second.c", "#include <libxml/xmlreader.h>\n", "libxml/xmlreader.h"),
    ("tools/text/second.c", "#include <pango/pango.h>\n", "pango/pango.h"),
    ("tools/text/second.c", "#include <jansson.h>\n", "jansson.h"),
    ("tools/text/second.c", "#include <yaml.h>\n", "yaml.h"),
    ("tools/common/bad.c", '#include "text/json.h"\n', "text/json.h"),
    ("shim/common/bad.cpp", "#include <fstream>\n", "fstream"),
    ("shim/common/bad.cpp", "#include <cstdio>\n", "cstdio"),
    ("shim/common/bad.cpp", '#include "engine/torch_backend.h"\n', "engine/torch_backend.h"),
    ("shim/graph/bad.hpp", '#include "sscam/image.h"\n', "sscam/image.h"),
    ("shim/graph/bad.hpp", '#include "options/options.h"\n', "options/options.h"),
    ("tools/text/bad.c", "#include <sscam/model.h>\n", "sscam/model.h"),
    ("tools/text/bad.c", '#include "../../lib/model/backend.h"\n', "../../lib/model/backend.h"),
    ("tools/text/bad.c", '#include "model/backend.h"\n', "model/backend.h"),
    ("tools/text/bad.c", "#include <torch/script.h>\n", "torch/script.h"),
    ("examples/bad.c", '#include "sscam/sscam.h"\n', "sscam/sscam.h"),
    ("tests/consumer/bad.c", "#include <sscam/status.h>\n", "sscam/status.h"),
)


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_itself():
    """The good tree passes, and each bad file in it is found, alone and by name."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tree(root, GOOD_TREE)
        found = complaints(root)
        assert not found, f"a good tree is refused: {found}"
        for name, text, header in BAD_FILES:
            write_tree(root, {name: text})
            found = complaints(root)
            (root / name).unlink()
            expected = f"{name}:1: includes {header}: "
            as_expected = found and all(line.startswith(expected) for line in found)
            assert as_expected, f"{name} with {text!r}: {found}"
        write_tree(root, {"shim/graph/model.cpp": "", "tools/text/sub/json.h": ""})
        found = complaints(root)
        assert len(found) == 2 and all("has that name" in line for line in found), (
            f"twins of one name: {found}"
        )


def main():
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "include/sscam/sscam.h").is_file():
        sys.exit(__doc__.split("\n\n")[1])
    test_itself()
    found = complaints(Path(sys.argv[1]))
    for complaint in found:
        print(complaint, file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

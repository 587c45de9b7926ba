"""Who may include what: the rooms of the house, enforced by reading the includes.

usage: rooms.py ROOT

First proves on small made-up trees that it finds what it is to find, then reads the tree at ROOT.
"""
import re
import sys
import tempfile
from pathlib import Path

SOURCES = {'.c', '.h', '.cpp', '.hpp', '.cc', '.hh', '.cu', '.cuh'}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*(?:<([^>\n]+)>|"([^"\n]+)"|(\S+))', re.MULTILINE)
COMMENT = re.compile(r'/\*.*?\*/', re.DOTALL)

# Headers of the libraries that one file each speaks to.
ONE_DOOR = re.compile(r'(png|jpeglib|cblas|lapacke?)\.h$|(libxml)/')
TORCH = re.compile(r'(torch|c10|ATen|caffe2)/')
# Reading, writing and asking the system are not the shim's.
INPUT_OUTPUT = {'fstream', 'iostream', 'ostream', 'istream', 'cstdio', 'stdio.h', 'filesystem', 'unistd.h',
                'fcntl.h', 'sys/stat.h', 'dirent.h'}
# What the shim needs of the core: the vtable, and what backends and a card's programs share. No pictures, no options.
OPEN_TO_SHIM = {'arrangement.h', 'backend.h', 'failure.h', 'mask.h', 'noise_math.h', 'places.h', 'progress.h',
                'sscam/status.h', 'sscam/explainer.h'}
SHIM_DOOR = ('lib/model/backend_default.c', '../shim/engine/torch_backend.h')


class Include:
    """One include directive: where it stands and what it names."""

    def __init__(self, path, line, angled, quoted, computed):
        self.path, self.line = path, line
        self.name = angled or quoted or computed
        self.is_quoted, self.is_computed = quoted is not None, computed is not None

    def complaint(self, rule):
        return f'{self.path}:{self.line}: includes {self.name}: {rule}'


def includes_of(root, folder):
    """All include directives of a folder's C and C++ files; comments are not read."""
    for file in sorted((root / folder).rglob('*')):
        if file.suffix not in SOURCES or not file.is_file():
            continue
        text = file.read_text(encoding='utf-8', errors='replace')
        text = COMMENT.sub(lambda comment: re.sub(r'[^\n]', ' ', comment.group()), text)
        for match in INCLUDE.finditer(text):
            line = text.count('\n', 0, match.start()) + 1
            yield Include(file.relative_to(root), line, *match.groups())


def is_own(root, include, *folders):
    """Whether a quoted name is a file of one of the folders, or of the including file's own."""
    here = root / include.path
    for folder in [here.parent, *(root / folder for folder in folders)]:
        target = (folder / include.name).resolve()
        if target.is_file() and any(target.is_relative_to((root / allowed).resolve()) for allowed in folders):
            return True
    return False


def check_public(root):
    for include in includes_of(root, 'include'):
        if include.is_quoted and is_own(root, include, 'include'):
            continue
        if include.is_quoted or include.name not in ('stddef.h', 'stdint.h'):
            yield include.complaint('public headers include <stddef.h>, <stdint.h> and one another')


def check_core(root):
    for include in includes_of(root, 'lib'):
        if TORCH.match(include.name):
            yield include.complaint('only shim/ may see libtorch')
        elif 'shim' in Path(include.name).parts or 'torch_backend' in include.name:
            if (include.path.as_posix(), include.name) != SHIM_DOOR:
                yield include.complaint('only lib/model/backend_default.c knows the shim')
        elif include.is_quoted and not is_own(root, include, 'lib', 'include'):
            yield include.complaint('the core includes itself and the public headers')


def check_shim(root):
    for include in includes_of(root, 'shim'):
        if include.name in INPUT_OUTPUT:
            yield include.complaint('the shim does no input and output')
        elif include.is_quoted and include.name not in OPEN_TO_SHIM and not is_own(root, include, 'shim'):
            yield include.complaint('of the core, the shim sees ' + ', '.join(sorted(OPEN_TO_SHIM)))


def check_callers(root):
    for folder in ('tools', 'examples', 'tests/consumer'):
        for include in includes_of(root, folder):
            is_of_project = include.is_quoted or include.name.startswith('sscam/')
            if TORCH.match(include.name) and folder != 'tests/consumer':
                yield include.complaint('only shim/ may see libtorch')
            elif folder == 'tools' and include.is_quoted and is_own(root, include, 'tools'):
                continue
            elif is_of_project and (include.is_quoted or include.name != 'sscam/sscam.h'):
                yield include.complaint('callers include <sscam/sscam.h> alone of this project')


def check_doors(root):
    users = {}
    for folder in ('include', 'lib', 'shim', 'tools', 'examples'):
        for include in includes_of(root, folder):
            door = ONE_DOOR.match(include.name)
            if door:
                users.setdefault(door.group(1) or door.group(2), {}).setdefault(include.path, include)
    for files in users.values():
        first, *others = sorted(files)
        for other in others:
            yield files[other].complaint(f'{first} is the one file that does')


def check_computed(root):
    for folder in ('include', 'lib', 'shim', 'tools', 'examples'):
        for include in includes_of(root, folder):
            if include.is_computed:
                yield include.complaint('a name that cannot be read here')


CHECKS = (check_public, check_core, check_shim, check_callers, check_doors, check_computed)


def complaints(root):
    return [complaint for check in CHECKS for complaint in check(root)]


# --- its own test ------------------------------------------------------------------------------------

GOOD_TREE = {
    'include/sscam/sscam.h': '#include <stdint.h>\n#include "model.h"\n/* @code\n#include <sscam/x.h>\n*/\n',
    'include/sscam/model.h': '#include <stddef.h>\n',
    'lib/model/backend_default.c': '#include "../shim/engine/torch_backend.h"\n#include "backend.h"\n',
    'lib/model/backend.h': '#include "sscam/model.h"\n#include <stdlib.h>\n',
    'lib/image/png.c': '#include <png.h>\n#include "backend.h"\n',
    'lib/math/linalg.c': '#  include <cblas.h>\n',
    'lib/methods/cam.c': '#include "../backend.h"\n',
    'shim/engine/torch_backend.h': '#include "backend.h"\n',
    'shim/engine/network.cpp': '#include "torch_backend.h"\n#include <torch/script.h>\n#include <sstream>\n',
    'tools/main.c': '#include "json.h"\n#include <sscam/sscam.h>\n#include <stdio.h>\n',
    'tools/text/json.h': '',
    'tools/report/report.c': '#include <libxml/tree.h>\n#include <libxml/parser.h>\n',
    'examples/minimal.cpp': '#include <sscam/sscam.h>\n#include <iostream>\n',
    'tests/consumer/beside_torch.cpp': '#include <torch/script.h>\n#include <sscam/sscam.h>\n',
}

# What is put into the good tree, and the file and name that must be complained of.
BAD_FILES = (
    ('include/sscam/bad.h', '#include <stdio.h>\n', 'stdio.h'),
    ('include/sscam/bad.h', '#include "backend.h"\n', 'backend.h'),
    ('include/sscam/bad.h', '#include "../../lib/model/backend.h"\n', '../../lib/model/backend.h'),
    ('include/sscam/bad.h', '#include <sscam/model.h>\n', 'sscam/model.h'),
    ('lib/bad.c', '#include "../shim/engine/torch_backend.h"\n', '../shim/engine/torch_backend.h'),
    ('lib/bad.c', '#include <torch/script.h>\n', 'torch/script.h'),
    ('lib/methods/bad.c', '/* why */ # include <c10/core/Device.h>\n', 'c10/core/Device.h'),
    ('lib/bad.h', '\t#\tinclude <ATen/ATen.h>\n', 'ATen/ATen.h'),
    ('lib/bad.c', '#include "../tools/text/json.h"\n', '../tools/text/json.h'),
    ('lib/second.c', '#include <png.h>\n', 'png.h'),
    ('lib/second.c', '#include <cblas.h>\n', 'cblas.h'),
    ('lib/bad.c', '#include BACKEND_HEADER\n', 'BACKEND_HEADER'),
    ('tools/second.c', '#include <libxml/xmlreader.h>\n', 'libxml/xmlreader.h'),
    ('shim/bad.cpp', '#include <fstream>\n', 'fstream'),
    ('shim/bad.cpp', '#include <cstdio>\n', 'cstdio'),
    ('shim/bad.hpp', '#include "sscam/image.h"\n', 'sscam/image.h'),
    ('shim/bad.hpp', '#include "options.h"\n', 'options.h'),
    ('tools/bad.c', '#include <sscam/model.h>\n', 'sscam/model.h'),
    ('tools/bad.c', '#include "../lib/model/backend.h"\n', '../lib/model/backend.h'),
    ('tools/bad.c', '#include "backend.h"\n', 'backend.h'),
    ('tools/bad.c', '#include <torch/script.h>\n', 'torch/script.h'),
    ('examples/bad.c', '#include "sscam/sscam.h"\n', 'sscam/sscam.h'),
    ('tests/consumer/bad.c', '#include <sscam/status.h>\n', 'sscam/status.h'),
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
        assert not found, f'a good tree is refused: {found}'
        for name, text, header in BAD_FILES:
            write_tree(root, {name: text})
            found = complaints(root)
            (root / name).unlink()
            expected = f'{name}:1: includes {header}: '
            as_expected = found and all(line.startswith(expected) for line in found)
            assert as_expected, f'{name} with {text!r}: {found}'


def main():
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / 'include/sscam/sscam.h').is_file():
        sys.exit(__doc__.split('\n\n')[1])
    test_itself()
    found = complaints(Path(sys.argv[1]))
    for complaint in found:
        print(complaint, file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == '__main__':
    main()

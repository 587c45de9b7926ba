#!/usr/bin/env python3
"""Makes one wheel of several, each built for another release of torch.

merge_wheels.py FOLDER WHEEL WHEEL...

The wheels are those of `pip wheel .` in environments with different releases of torch, for one
Python and platform. In the result, which is written to FOLDER, the library of each lies in
sscam/torch-RELEASE/, and the package loads that of the torch beside it. The program is started by
a script that chooses in the same way. All else must be the same in all of them.
"""

import base64
import hashlib
import re
import sys
import zipfile
from pathlib import Path

LIBRARY = re.compile(r"sscam/libsscam\.so\.\d+")
PROGRAM = re.compile(r"sscam-[^/]*\.data/scripts/sscam")
BUILD, RELEASE = "sscam/_build.py", re.compile(r'^TORCH_RELEASES = "([^"]+)"\.split\(\)', re.M)
LAUNCHER = Path(__file__).with_name("launcher.py")


def read_wheel(path):
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/")}


def only_name(files, pattern, wheel):
    names = [name for name in files if pattern.fullmatch(name)]
    if len(names) != 1:
        sys.exit(f"{wheel}: {len(names)} files {pattern.pattern}, where there is one")
    return names[0]


def take_library(files, wheel):
    """Removes what depends on the release of torch: (release, name, library, program)."""
    release = RELEASE.search(files.pop(BUILD, b"").decode())
    if not release:
        sys.exit(f"{wheel}: built for no release of torch, but for the system's libtorch")
    name = only_name(files, LIBRARY, wheel)
    program = files.pop(only_name(files, PROGRAM, wheel))
    del files[next(entry for entry in files if entry.endswith(".dist-info/RECORD"))]
    return release[1], name, files.pop(name), program


def merge(wheels):
    """The files of the merged wheel, without the record."""
    common, releases, first_program = None, [], b""
    libraries = {}
    for wheel in wheels:
        files = read_wheel(wheel)
        release, name, library, program = take_library(files, wheel)
        if release in releases:
            sys.exit(f"{wheel}: a second wheel for torch {release}")
        if common is not None and files != common:
            differing = sorted(set(files.items()) ^ set(common.items()))
            sys.exit(f"{wheel}: {differing[0][0]} differs from that of {wheels[0]}")
        releases.append(release)
        libraries[f"sscam/torch-{release}/{Path(name).name}"] = library
        common, first_program = files, first_program or program
    info = next(name for name in common if name.endswith(".dist-info/METADATA"))
    scripts = info.replace(".dist-info/METADATA", ".data/scripts/")
    return {
        **common,
        **libraries,
        "sscam/program": first_program,
        BUILD: (
            '"""What the libraries beside this package were built for."""\n\n'
            f'TORCH_RELEASES = "{" ".join(releases)}".split()\n'
        ).encode(),
        f"{scripts}sscam": LAUNCHER.read_bytes(),
    }


def record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def write_wheel(path, files):
    record = next(name for name in files if name.endswith("/METADATA"))[: -len("METADATA")]
    record += "RECORD"
    lines = [record_line(name, content) for name, content in sorted(files.items())]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            is_run = content[:4] == b"\x7fELF" or name.endswith("/scripts/sscam")
            entry.external_attr = (0o100755 if is_run else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
        wheel.writestr(record, "".join([*lines, f"{record},,\n"]))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    folder, wheels = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    names = {wheel.name for wheel in wheels}
    if len(names) != 1:
        sys.exit(f"these wheels are not for one Python and platform: {', '.join(sorted(names))}")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / names.pop()
    if target.exists():
        sys.exit(f"{target} exists")
    write_wheel(target, merge(wheels))
    print(target)


if __name__ == "__main__":
    main()

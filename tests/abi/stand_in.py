"""Builds a library with nothing behind the public headers, to see how a changed header looks to the
checks."""

import re
import subprocess
from pathlib import Path

DECLARATION = re.compile(r"\bSSCAM_API\b\s+([^;]*\([^;]*\))\s*;")


def declarations(headers):
    """Every function that the headers export, as "result name(parameters)"."""
    found = []
    for header in sorted(Path(headers, "sscam").glob("*.h")):
        code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        found += [" ".join(declaration.split()) for declaration in DECLARATION.findall(code)]
    return found


def build(headers, compiler, folder, extra_code=""):
    """Compile the stand-in as FOLDER/libsscam.so.1 and return its path."""
    folder = Path(folder)
    bodies = [
        f"{declaration} {'{}' if declaration.startswith('void ') else '{ return 0; }'}"
        for declaration in declarations(headers)
    ]
    source = folder / "stand_in.c"
    source.write_text("\n".join(["#include <sscam/sscam.h>", *bodies, extra_code, ""]))
    version_script = folder / "stand_in.map"
    version_script.write_text("SSCAM_1 { global: *; };\n")
    library = folder / "libsscam.so.1"
    subprocess.run(
        [
            *compiler,
            "-g",
            "-fPIC",
            "-shared",
            "-I",
            str(headers),
            str(source),
            "-o",
            str(library),
            "-Wl,-soname,libsscam.so.1",
            f"-Wl,--version-script,{version_script}",
        ],
        check=True,
    )
    return library

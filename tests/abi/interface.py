"""How the binary interface is read: from a built library, from its headers, from its tables."""

import re
import subprocess

VERSION_NODE = "SSCAM_1"


def output_of(command, **options):
    """Standard output of a command that must succeed."""
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def exported_symbols(library):
    """Names with their version node, such as "sscam_version@@SSCAM_1", sorted."""
    listing = output_of(["nm", "-D", "--defined-only", "--with-symbol-versions", library])
    kinds_and_names = (line.split()[-2:] for line in listing.splitlines())
    version_node = "A"
    return sorted(name for kind, name in kinds_and_names if kind != version_node)


def foreign_symbols(symbols):
    """Those that are not the library's own: C++ names, or names outside the version node."""
    own = re.compile(rf"sscam_[a-z0-9_]+@@{VERSION_NODE}")
    return [symbol for symbol in symbols if not own.fullmatch(symbol)]


def global_c_names(archive):
    """C names that a static library claims in the program it is linked into."""
    listing = output_of(["nm", "-g", "--defined-only", archive])
    names = re.findall(r"^[0-9a-f]+ [TDBRC] (\S+)$", listing, re.MULTILINE)
    return sorted(name for name in names if not name.startswith("_Z"))


def constants(headers, compiler):
    """The public constants as the headers define them, one "NAME text" each, sorted."""
    listing = output_of(
        [*compiler, "-E", "-dM", "-I", headers, "-x", "c", "-"], input="#include <sscam/sscam.h>\n"
    )
    found = re.findall(r"^#define (SSCAM_\w+ .+)$", listing, re.MULTILINE)
    return sorted(line for line in found if not line.startswith(("SSCAM_API ", "SSCAM_VERSION_")))


def describe_types(library, headers, description):
    """Write libabigail's description of the exported functions and every type that they reach.

    What only tells where and with what the library was built is left out, so that the file can be
    committed.
    """
    output_of(
        [
            "abidw",
            "--headers-dir",
            headers,
            "--drop-private-types",
            "--exported-interfaces-only",
            "--short-locs",
            "--no-corpus-path",
            "--no-comp-dir-path",
            "--no-elf-needed",
            "--out-file",
            description,
            library,
        ]
    )


def compare_types(old, new, *flags):
    """abidiff's exit status and report: 0, or bits of which 4 means a change and 8 a certain
    break."""
    done = subprocess.run(
        ["abidiff", *flags, str(old), str(new)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout

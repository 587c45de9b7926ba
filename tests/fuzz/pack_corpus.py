#!/usr/bin/env python3
"""Packs and unpacks the corpora of the fuzz targets, tests/fuzz/corpus/TARGET.tar.xz.

    pack_corpus.py pack TARGET FOLDER             writes the target's archive from a folder
    pack_corpus.py unpack FOLDER ARCHIVE...       makes FOLDER/TARGET of each archive anew
    pack_corpus.py unpack FOLDER ARCHIVE... --stamp FILE      and then touches FILE, for the build

The same files give the same archive: sorted, without owners and times. Files that libFuzzer has
named by their SHA-1 are called grown-, with its first digits.
"""

import argparse
import io
import lzma
import re
import shutil
import tarfile
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
SUFFIX = ".tar.xz"
LIBFUZZER_NAME = re.compile(r"([0-9a-f]{12})[0-9a-f]{28}")


def name_of(path):
    digits = LIBFUZZER_NAME.fullmatch(path.name)
    return f"grown-{digits[1]}" if digits else path.name


def packed(folder):
    """The archive of a folder's files, as bytes."""
    files = {name_of(path): path for path in Path(folder).iterdir() if path.is_file()}
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return lzma.compress(tar.getvalue(), preset=9)


def unpack(folder, archives):
    for path in archives:
        target = folder / path.name.removesuffix(SUFFIX)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        with tarfile.open(path) as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                (target / Path(entry.name).name).write_bytes(content.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("target")
    packing.add_argument("folder", type=Path)
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("folder", type=Path)
    unpacking.add_argument("archives", type=Path, nargs="+")
    unpacking.add_argument("--stamp", type=Path)
    options = parser.parse_args()
    if options.command == "pack":
        (CORPUS / f"{options.target}{SUFFIX}").write_bytes(packed(options.folder))
    else:
        unpack(options.folder, options.archives)
        if options.stamp:
            options.stamp.touch()


if __name__ == "__main__":
    main()

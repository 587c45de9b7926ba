"""Writes golden.npz anew, after a change of maps that is meant.

usage: make_golden.py PROGRAM

PROGRAM is the built `sscam`, with Debian's libtorch. Say in the commit what changed the maps."""

import sys

import numpy as np

import golden

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    np.savez_compressed(golden.FILE, **golden.maps_of(sys.argv[1]))
    print(f"{golden.FILE}: {golden.FILE.stat().st_size} bytes")

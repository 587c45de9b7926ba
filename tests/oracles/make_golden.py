"""Writes golden.npz again, after an intended change of maps.

usage: make_golden.py PROGRAM

PROGRAM is the built `sscam`, with Debian's libtorch. State in the commit why the maps changed."""

import sys

import numpy as np

import golden

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    np.savez_compressed(golden.FILE, **golden.maps_of(sys.argv[1]))
    print(f"{golden.FILE}: {golden.FILE.stat().st_size} bytes")

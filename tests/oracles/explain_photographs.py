"""Explains photographs with the Python package, in a process that has no other libtorch.

usage: explain_photographs.py MODEL LAYER FOLDER, with "PATH<tab>CLASS or nothing" lines on standard
input

writes FOLDER/STEM.npy and prints one JSON object a photograph.
"""

import json
import sys
from pathlib import Path

import numpy as np

import sscam


def main():
    model_path, layer, folder = sys.argv[1:]
    with sscam.Model(model_path) as model:
        for line in sys.stdin:
            path, class_text = line.rstrip("\n").split("\t")
            found = model.explain(
                path,
                method="grad-cam",
                layer=layer,
                class_index=int(class_text) if class_text else None,
            )
            np.save(Path(folder) / f"{Path(path).stem}.npy", found.data)
            print(json.dumps({"path": path, "class": found.class_index, "logit": found.logit}))


if __name__ == "__main__":
    main()

"""torchvision, also beside a torch that it was not built for.

Its networks are plain Python, but its import fails where its library of C++ operators does not
load.
"""

import sys

import torch


def import_torchvision():
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            torch.library.define(
                f"torchvision::{name}", "(Tensor dets, Tensor scores, float threshold) -> Tensor"
            )
        import torchvision
    return torchvision


torchvision = import_torchvision()

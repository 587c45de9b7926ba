#!python
"""Starts the program sscam with the library for the torch of this environment."""

import importlib.metadata
import os
import sys
import sysconfig

package = os.path.join(sysconfig.get_path("platlib"), "sscam")
try:
    found = importlib.metadata.version("torch").partition("+")[0]
except importlib.metadata.PackageNotFoundError:
    found = "none"
library = os.path.join(package, "torch-" + found)
if not os.path.isdir(library):
    releases = sorted(name[6:] for name in os.listdir(package) if name.startswith("torch-"))
    torch = "torch " + found if found != "none" else "no torch"
    sys.exit(
        f"sscam: this sscam was built for torch {' and '.join(releases)}, "
        f"and the environment has {torch}"
    )
folders = [library, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
os.environ["LD_LIBRARY_PATH"] = ":".join(folders)
os.execv(os.path.join(package, "program"), sys.argv)

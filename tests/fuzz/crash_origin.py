"""Where a crash happened, in libtorch or in the library, from the stack that crash_trace.c
writes."""

import re
import shutil
import subprocess

FRAME = re.compile(
    r"(?P<path>/\S+?)\((?P<symbol>[^()+]*)(?:\+(?P<offset>0x[0-9a-f]+))?\)\s*\[0x[0-9a-f]+\]"
)
LIBTORCH = re.compile(r"lib(torch|c10|caffe2)[^/]*$")
OWN = re.compile(r"libsscam\.so[^/]*$")
DEEPEST = 4


def frames_of(trace):
    return list(FRAME.finditer(trace.partition("crash trace:")[2]))


def origin(trace):
    """ "own", "libtorch" or "unknown", by the innermost frame of either library. An uncaught
    exception counts as the library's own fault, although libtorch threw it."""
    frames = frames_of(trace)
    names = [frame["path"] for frame in frames]
    if any("__cxa_throw" in frame["symbol"] for frame in frames) and "terminate called" in trace:
        return "own" if any(map(OWN.search, names)) else "unknown"
    for name in names:
        if OWN.search(name):
            return "own"
        if LIBTORCH.search(name):
            return "libtorch"
    return "unknown"


def readable(frame):
    """A frame's function, if it is known."""
    if frame["symbol"]:
        tool = shutil.which("c++filt")
        name = (
            subprocess.run(
                [tool, frame["symbol"]], capture_output=True, text=True, check=True
            ).stdout.strip()
            if tool
            else frame["symbol"]
        )
        return re.sub(r"\(.*", "", name)
    tool = shutil.which("addr2line")
    if not tool or not OWN.search(frame["path"]):
        return f"{frame['path'].rpartition('/')[2]}+{frame['offset']}"
    lines = subprocess.run(
        [tool, "-Cfse", frame["path"], frame["offset"]], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    return " ".join(lines) or frame["offset"]


def location(trace):
    """The innermost functions of libtorch or the library: crashes with the same ones count as one
    finding."""
    frames = [
        frame
        for frame in frames_of(trace)
        if OWN.search(frame["path"]) or LIBTORCH.search(frame["path"])
    ]
    names = []
    for frame in frames:
        name = readable(frame)
        if not names or names[-1] != name:  # recursion of any depth counts once
            names.append(name)
        if len(names) == DEEPEST:
            break
    return " < ".join(names) or "no frames"


def self_test():
    """Fails unless the origins of a few constructed stacks are right."""

    def stack(*frames, before=""):
        return (
            before
            + "crash trace:\n/tmp/crash_trace.so(+0x1)[0x1]\n/lib/libc.so.6(+0x2)[0x2]\n"
            + "".join(f"/usr/lib/{library}({symbol}+0x3)[0x3]\n" for library, symbol in frames)
        )

    torch, own = ("libtorch_cpu.so.1.13", "_ZN1tE"), ("libsscam.so.1", "sscam_model_load")
    thrown = "terminate called after throwing an instance of 'c10::Error'\n"
    cases = [
        (stack(torch, own), "libtorch"),
        (stack(own, torch, own), "own"),
        (stack(("libm.so", "cos"), own), "own"),
        (stack(("libstdc++.so.6", "__cxa_throw"), torch, own, before=thrown), "own"),
        (stack(), "unknown"),
        ("killed", "unknown"),
    ]
    for trace, wanted in cases:
        if origin(trace) != wanted:
            raise AssertionError(f"{origin(trace)}, not {wanted}:\n{trace}")

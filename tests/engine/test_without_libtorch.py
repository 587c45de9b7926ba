"""A libsscam that was built without libtorch is plain C, and refuses network files.

usage: test_without_libtorch.py LIBRARY
"""

import ctypes
import re
import subprocess
import sys
import tempfile

FOREIGN = re.compile(r"stdc\+\+|torch|c10|gomp|libomp")


def needed_libraries(library):
    listed = subprocess.run(
        ["readelf", "-d", library], check=True, capture_output=True, text=True
    ).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", listed)


def check_refusal(library):
    loaded = ctypes.CDLL(library)
    loaded.sscam_last_error.restype = ctypes.c_char_p
    loaded.sscam_status_name.restype = ctypes.c_char_p
    model = ctypes.c_void_p(1)
    with tempfile.NamedTemporaryFile(suffix=".pt") as network:
        network.write(b"a network")
        network.flush()
        status = loaded.sscam_model_load(network.name.encode(), b"cpu", ctypes.byref(model))
        message = loaded.sscam_last_error().decode()
        assert loaded.sscam_status_name(status) == b"SSCAM_E_UNSUPPORTED", message
        assert network.name in message and "-Dlibtorch=enabled" in message, message
        assert "sscam_model_create_from_engine" in message, message
    assert not model.value


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    needed = needed_libraries(sys.argv[1])
    assert "libc.so.6" in needed, needed
    assert not [name for name in needed if FOREIGN.search(name)], needed
    check_refusal(sys.argv[1])


if __name__ == "__main__":
    main()

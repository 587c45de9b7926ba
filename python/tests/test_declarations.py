"""The declarations agree with the headers and with what the library exports."""

import ctypes
import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import typing

import pytest

import sscam
from conftest import ROOT
from sscam import _constants, _errors, _native

HEADERS = sorted((ROOT / "include" / "sscam").glob("*.h"))

DECLARED = {name: function for name, function in vars(_native).items() if name.startswith("sscam_")}

SCALARS = {
    "void": None,
    "sscam_status": ctypes.c_int32,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "uint8_t": ctypes.c_uint8,
    "char": ctypes.c_char,
    "sscam_progress_callback": _native.progress_callback,
    "sscam_log_callback": _native.log_callback,
    "sscam_release_callback": _native.release_callback,
}


def header_text():
    """All headers, without comments."""
    text = "".join(header.read_text() for header in HEADERS)
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)


def prototypes():
    """{name: (result, [arguments])} as C types."""
    found = re.findall(r"SSCAM_API\s+([^;()]*?)(sscam_\w+)\(([^)]*)\)\s*;", header_text())
    return {
        name: (result.strip(), [] if arguments.strip() == "void" else arguments.split(","))
        for result, name, arguments in found
    }


def class_name(base):
    """What _native calls sscam_metric_total: MetricTotal."""
    return "".join(map(str.capitalize, base.removeprefix("sscam_").split("_")))


def pointed_to(base):
    if base == "void":
        return ctypes.c_void_p
    if base == "char":
        return ctypes.c_char_p
    if base in SCALARS:
        return ctypes.POINTER(SCALARS[base])
    return ctypes.POINTER(getattr(_native, class_name(base)))


def native_type(declarator):
    """The type of ctypes for "const float *", "sscam_map **out" or "int64_t shape[4]"."""
    words = re.sub(r"\bconst\b", " ", declarator).replace("*", " * ").split()
    stars = words.count("*") + declarator.count("[")
    if not stars:
        return SCALARS[words[0]]
    native = pointed_to(words[0])
    for _ in range(stars - 1):
        native = ctypes.POINTER(native)
    return native


@pytest.mark.parametrize("name", sorted(prototypes()))
def test_declaration_is_the_prototype(name):
    result, arguments = prototypes()[name]
    function = DECLARED[name]
    wanted = [native_type(argument) for argument in arguments]
    if name == "sscam_explainer_set_progress":
        wanted[-1] = ctypes.py_object  # its `user` is a generator
    assert function.restype == native_type(result)
    assert list(function.argtypes) == wanted


def structs():
    """{name: its declarators} of the structs that Python fills in or reads."""
    found = re.findall(r"typedef struct (sscam_\w+) \{(.*?)\} \1;", header_text(), re.DOTALL)
    return {
        name: body.split(";")[:-1] for name, body in found if hasattr(_native, class_name(name))
    }


def field_name(declarator):
    """The name in "int64_t shape[4]" or "void (*release)(void *user)"."""
    return re.search(r"(?:\(\*)?(\w+)(?:\)\(.*|\[\w+\])?$", declarator).group(1)


@pytest.mark.parametrize("name", sorted(structs()))
def test_declaration_is_the_struct(name):
    declared = getattr(_native, class_name(name))._fields_
    wanted = structs()[name]
    assert [field for field, _ in declared] == list(map(field_name, wanted))
    if "callback" not in "".join(wanted):  # whose types have names of their own
        assert [kind for _, kind in declared] == list(map(native_type, wanted))


def test_nothing_else_is_declared():
    assert set(DECLARED) == set(prototypes())
    assert all(function.__name__ == name for name, function in DECLARED.items())


def test_all_symbols_of_the_list_are_declared():
    listing = ROOT / "tests" / "abi" / "symbols.txt"
    if not listing.exists():
        pytest.skip("skipped: no tests/abi/symbols.txt")
    names = {line.split("@")[0] for line in listing.read_text().split()}
    assert set(DECLARED) == names


@pytest.mark.skipif(shutil.which("nm") is None, reason="skipped: no nm")
def test_all_exported_symbols_are_declared():
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", _native._loaded._name],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout
    names = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
    public = {name for name in names if name in prototypes()}
    assert set(DECLARED) == public


def test_constants_are_those_of_the_headers():
    text = re.sub(r"INT64_C\((.*?)\)", r"\1", header_text())
    defined = dict(re.findall(r"#define SSCAM_(\w+) +(.+)", text))
    for name, value in vars(_constants).items():
        if name.isupper():
            assert eval(defined[name]) == value, name


def test_every_status_has_its_exception():
    statuses = {
        int(value) for value in re.findall(r"#define SSCAM_E_\w+ \((-\d+)\)", header_text())
    }
    assert statuses == set(_errors._BY_STATUS)
    names = {error("").status_name for error in _errors._BY_STATUS.values()}
    assert len(names) == len(statuses) and "SSCAM_E_UNKNOWN" not in names


def functions_of(module):
    """The functions of a module and the methods of its classes."""
    for _, member in inspect.getmembers(module):
        if getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(member):
            yield member
        elif inspect.isclass(member):
            for attribute in vars(member).values():
                function = attribute.fget if isinstance(attribute, property) else attribute
                if inspect.isfunction(function):
                    yield function


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(sscam.__path__)])
def test_annotations_name_what_is_imported(name):
    module = importlib.import_module(f"sscam.{name}")
    for function in functions_of(module):
        typing.get_type_hints(function, localns={"Model": sscam.Model})

"""The notebook of examples/: its form, and its cells one after another, without its weights."""

import json
import sys

import pytest

from conftest import ROOT

NOTEBOOK = ROOT / "examples" / "notebooks" / "torchvision.ipynb"


@pytest.fixture(scope="module")
def notebook():
    if not NOTEBOOK.exists():
        pytest.skip("skipped: no notebook")
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def code_of(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_form(notebook):
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.from_dict(notebook))


def test_no_results_are_stored(notebook):
    for cell in notebook["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        assert all(len(line.rstrip("\n")) <= 100 for line in cell["source"])
    for number, code in enumerate(code_of(notebook)):
        compile(code, f"cell {number}", "exec")


def test_cells_run(notebook, tmp_path, monkeypatch):
    """With random weights, which need no network connection, and without pandas where it is not."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    sys.path.insert(0, str(ROOT / "tests" / "matrix"))
    try:
        import torchvision_import  # noqa: F401
    except ImportError as reason:  # no torchvision, or a torch that is not the library's
        pytest.skip(f"skipped: {reason}")
    finally:
        sys.path.pop(0)
    monkeypatch.chdir(NOTEBOOK.parent)
    names = {}
    shorter = {
        "weights=weights)": "weights=None)",
        '"compared.png"': repr(str(tmp_path / "compared.png")),
        "samples=2, max_channels=32": "samples=1, max_channels=4",
        "metric_steps=10": "metric_steps=2",
    }
    for code in code_of(notebook):
        if "import pandas" in code:
            try:
                import pandas  # noqa: F401
            except ImportError:
                continue
        for text, other in shorter.items():
            code = code.replace(text, other)
        exec(compile(code, str(NOTEBOOK), "exec"), names)
    assert (tmp_path / "compared.png").stat().st_size > 10000
    assert names["compared"].correlations.shape == (3, 3)
    assert len(names["results"]) == 4

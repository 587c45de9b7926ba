"""The example runs and leaves an image."""

import pytest

import sscam
from conftest import DEMO, FAKE_BACKEND, ROOT, run_python


def test_explain(tmp_path):
    if FAKE_BACKEND or not (DEMO / "clothes.pt").exists():
        pytest.skip("skipped: no bundled network")
    script = ROOT / "examples" / "python" / "explain.py"
    done = run_python(
        "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0])",
        script,
        tmp_path / "panel.png",
    )
    assert done.returncode == 0, done.stderr
    scene = sscam.read_image(DEMO / "scenes" / "scene11.png")
    panel = sscam.read_image(tmp_path / "panel.png")
    assert panel.shape == (2 * scene.shape[0], 3 * scene.shape[1], 3)
    assert (panel[: scene.shape[0], : scene.shape[1]] == scene[:, :, :3]).all()

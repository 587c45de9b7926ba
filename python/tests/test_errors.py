"""Each status of the library becomes its exception, with the library's text."""

import threading

import numpy as np
import pytest

import sscam
from conftest import FAKE_BACKEND
from sscam import _constants, _errors, _native


def test_argument(model):
    with pytest.raises(sscam.ArgumentError, match="ss-cam-max") as caught:
        sscam.Explainer(model, "no-such-method")
    assert isinstance(caught.value, ValueError)
    assert caught.value.status == -1 and caught.value.status_name == "SSCAM_E_ARGUMENT"


def test_file(tmp_path):
    missing = tmp_path / "missing"
    for call in (sscam.Model, sscam.read_image):
        with pytest.raises(sscam.FileError, match=r"missing.*No such file") as caught:
            call(missing)
        assert isinstance(caught.value, OSError)
    with pytest.raises(sscam.FileError, match="folder"):
        sscam.write_png(tmp_path / "folder" / "image.png", np.zeros((2, 2), np.uint8))


def test_format(tmp_path):
    for content in (b"rubbish", b"\x89PNG\r\n\x1a\n and then nothing"):
        with pytest.raises(sscam.FormatError):
            sscam.Model(content)
        with pytest.raises(sscam.FormatError):
            sscam.read_image(content)
    (tmp_path / "rubbish.pt").write_bytes(b"rubbish")
    with pytest.raises(sscam.FormatError, match=r"rubbish\.pt"):
        sscam.Model(tmp_path / "rubbish.pt")


def test_empty_content():
    for call in (sscam.Model, sscam.read_image):
        with pytest.raises(sscam.SscamError):
            call(b"")


def test_model(model, pixels):
    with pytest.raises(sscam.ModelError):
        model.explain(pixels, "grad-cam", channel_order="gray", mean=0, std=1)
    with pytest.raises(sscam.ModelError):
        model.classify(np.zeros((7, 16, 16), np.float32))
    assert not model.explain(pixels, "grad-cam").is_flat


def test_layer(model, pixels):
    name = model.layers()[0].name
    with pytest.raises(sscam.LayerError, match=f"{name}x") as caught:
        model.explain(pixels, "grad-cam", layer=f"{name}x")
    assert isinstance(caught.value, LookupError)


def test_class(model, pixels):
    with pytest.raises(sscam.ClassError, match="100000") as caught:
        model.explain(pixels, "grad-cam", class_index=100000)
    assert isinstance(caught.value, IndexError)


@pytest.mark.parametrize("device", ["toaster", "cuda:4096"])
def test_device(model_source, device):
    with pytest.raises(sscam.DeviceError, match=device):
        sscam.Model(model_source, device)


def test_unsupported(model, pixels):
    first = model.layers()[0].name
    with pytest.raises(sscam.UnsupportedError) as caught:
        model.explain(pixels, "cam", layer=first)
    assert isinstance(caught.value, NotImplementedError)


def test_cancelled(explainer, batch):
    with pytest.raises(sscam.Cancelled) as caught:
        explainer.explain(batch, progress=lambda fraction: True)
    assert caught.value.status_name == "SSCAM_E_CANCELLED"


@pytest.mark.skipif(not FAKE_BACKEND, reason="skipped: a real network does not fail at will")
def test_network_that_fails(batch):
    with sscam.Model(b"fake fails") as model, pytest.raises(sscam.ModelError, match="fails"):
        model.classify(batch)


@pytest.mark.parametrize(
    "status, kinds",
    [
        (_constants.E_MEMORY, (sscam.OutOfMemoryError, MemoryError)),
        (-4711, (sscam.SscamError,)),
    ],
)
def test_statuses_that_no_test_can_bring_about(monkeypatch, status, kinds):
    monkeypatch.setattr(_native, "sscam_last_error", lambda: b"no room for caf\xc3\xa9")
    with pytest.raises(sscam.SscamError, match="no room for café") as caught:
        _errors.check(status)
    assert caught.value.status == status
    assert all(isinstance(caught.value, kind) for kind in kinds)


def test_success_raises_nothing():
    _errors.check(_constants.OK)


def test_each_thread_has_its_own_text(model, pixels):
    """Failures of different kinds at once; every thread reads its own message."""
    found = model.explain(pixels, "grad-cam")
    calls = {
        "nowhere": lambda: sscam.Model("nowhere"),
        "rainbow": lambda: found.heatmap("rainbow"),
        "no-such-method": lambda: sscam.Explainer(model, "no-such-method"),
    }
    wrong = []

    def fail_often(word, call):
        for _ in range(200):
            try:
                call()
            except sscam.SscamError as failure:
                if word not in str(failure):
                    wrong.append((word, str(failure)))
            else:
                wrong.append((word, "no failure"))

    threads = [threading.Thread(target=fail_often, args=item) for item in calls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

"""Up to rounding, a map depends on the seed alone: not on batch size or on which channels are
scored. Between two processes last bits may differ, since each measures which variant of the network
is fastest."""

import numpy as np
import pytest
import torch

from cams import SCORING_METHODS
from oracle_networks import TinyNet, random_input, tiny

SIZE = (40, 56)
LAYER = "features.2"
SS_METHODS = ("ss-cam-mean", "ss-cam-max")


@pytest.fixture(scope="module")
def explain(program, tmp_path_factory):
    """explain(methods, **options): one call on the tiny network, {method: Shown}."""
    path = tmp_path_factory.mktemp("reproducible") / "tiny.pt"
    torch.jit.script(tiny().eval()).save(str(path))
    inputs = random_input((1, 3, *SIZE))

    def call(methods, flags=(), **options):
        options.setdefault("samples", 3)
        maps = program.explain(path, inputs, methods, LAYER, 1, flags, **options)
        return {method: shown for method, (shown,) in maps.items()}

    return call


@pytest.fixture(scope="module")
def default_maps(explain):
    return explain(SS_METHODS)


@pytest.fixture(scope="module")
def assert_same_maps(differences):
    """assert_same_maps(one call, another, kind): maps within 1e-5, which leaves room for the
    rounding of different variants of a network."""

    def compare(one, other, kind):
        for method in SS_METHODS:
            difference = np.abs(one[method].data - other[method].data).max()
            differences(f"maps of {kind}", difference, 1e-5)

    return compare


@pytest.mark.parametrize(
    "options", [{}, {"channel_softmax": "off"}, {"flat_channels": "score"}], ids=str
)
def test_no_noise_is_score_cam_bit_for_bit(explain, options):
    shown = explain(SCORING_METHODS, sigma=0, **options)
    for method in SS_METHODS:
        for name in ("weights", "raw", "data"):
            np.testing.assert_array_equal(
                getattr(shown[method], name), getattr(shown["score-cam"], name)
            )


def test_no_noise_costs_what_score_cam_costs(explain, differences):
    """One call for each: within a call, later methods may reuse scores of earlier ones."""
    score_cam = explain(["score-cam"])["score-cam"]
    assert score_cam.report["passes"] >= TinyNet.CHANNELS - len(TinyNet.CONSTANT) - len(
        TinyNet.TWIN
    )
    for method in SS_METHODS:
        shown = explain([method], sigma=0)[method]
        assert shown.report["passes"] == score_cam.report["passes"]
        differences(
            "maps of no noise and Score-CAM, computed apart",
            np.abs(shown.data - score_cam.data).max(),
            1e-5,
        )


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_batch_size_does_not_matter(explain, default_maps, assert_same_maps, batch_size):
    assert_same_maps(explain(SS_METHODS, batch_size=batch_size), default_maps, "another batch size")


def test_default_seed_is_zero(explain, default_maps, assert_same_maps):
    assert_same_maps(explain(SS_METHODS, seed=0), default_maps, "the same seed")


def test_seed_flag_is_the_seed_option(explain, default_maps, assert_same_maps):
    by_flag = explain(SS_METHODS, flags=["--seed", "12"])
    assert_same_maps(by_flag, explain(SS_METHODS, seed=12), "the same seed")
    for method in SS_METHODS:
        assert np.abs(by_flag[method].data - default_maps[method].data).max() > 1e-3


def test_noise_does_not_depend_on_which_channels_are_scored(explain, default_maps):
    """The scores of the channels that are left are those of the full run: their ratios agree."""
    shown = explain(SS_METHODS, max_channels=3)
    for method in SS_METHODS:
        few, all_of_them = shown[method].weights, default_maps[method].weights
        kept = few > 0
        assert kept.sum() == 3
        ratios = np.log(few[kept]) - np.log(all_of_them[kept])
        assert np.ptp(ratios) < 1e-4


def test_short_elements_change_maps_a_little(explain, default_maps):
    shown = explain(SS_METHODS, precision="bf16")
    for method in SS_METHODS:
        difference = np.abs(shown[method].weights - default_maps[method].weights).max()
        assert 0 < difference < 0.05 * default_maps[method].weights.max()


def test_the_unmeasured_way_gives_the_same_bytes(explain):
    one, other = (explain(SS_METHODS, calibrate="off") for _ in range(2))
    for method in SS_METHODS:
        assert one[method].report["diagnostics"] == {
            "form": "frozen",
            "precision": "fp32",
            "workers": 1,
            "batch_size": 4,
            "calibration_passes": one[method].report["diagnostics"]["calibration_passes"],
        }
        np.testing.assert_array_equal(one[method].data, other[method].data)
        np.testing.assert_array_equal(one[method].weights, other[method].weights)


def test_workers_do_not_matter(explain, default_maps, assert_same_maps):
    shown = explain(SS_METHODS, workers=3)
    assert shown[SS_METHODS[0]].report["diagnostics"]["workers"] == 3
    assert_same_maps(shown, default_maps, "another number of workers")

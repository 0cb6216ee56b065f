"""What the demo shows, by the metrics that its last run left in git."""

import json
from pathlib import Path

import pytest

from pipeline.params import load_params
from pipeline.presets import find_preset

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def metrics() -> dict[str, dict[str, dict[str, float]]]:
    """Head → split → metric → value, for every head of the demo."""
    folder = PROJECT / "reports" / "metrics"
    demo = load_params(find_preset("demo").path)
    return {head: json.loads((folder / f"{head}.json").read_text()) for head in demo.heads}


@pytest.fixture(scope="module")
def fused() -> set[str]:
    demo = load_params(find_preset("demo").path)
    return {name for name, head in demo.heads.items() if len(head.inputs.sets()) > 1}


def test_the_fused_head_that_validation_chooses_holds_on_unseen_speakers(
    metrics: dict, fused: set[str]
) -> None:
    chosen = max(fused, key=lambda h: metrics[h]["val"]["ccc_mean"] + metrics[h]["val"]["uar"])
    assert metrics[chosen]["test"]["ccc_mean"] >= 0.70
    assert metrics[chosen]["test"]["accuracy"] >= 0.75


@pytest.mark.parametrize("metric", ["ccc_mean", "accuracy"])
def test_fusion_beats_every_single_modality(metrics: dict, fused: set[str], metric: str) -> None:
    chosen = max(fused, key=lambda h: metrics[h]["val"]["ccc_mean"] + metrics[h]["val"]["uar"])
    single = [metrics[head]["test"][metric] for head in metrics.keys() - fused]
    assert metrics[chosen]["test"][metric] > max(single)

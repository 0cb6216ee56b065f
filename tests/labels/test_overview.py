from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.cli.inspections import draw_bars
from pipeline.labels.clip_labels import FRAMES_SCHEMA, ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.emotions import Names
from pipeline.labels.labelling import Labelled, write_labels
from pipeline.labels.overview import ALL, Overview, read_overview
from pipeline.store.ledger import Entry


def look(folder: Path, labels: list[dict[str, Any]], **options: Any) -> Overview:
    clips = [
        Clip(clip_id=f"toy/{n}", corpus="toy", path=f"{n}.mp4", subject="ab"[n % 2], group="g")
        for n in range(len(labels))
    ]
    targets = [
        ClipLabels(clip_id=f"toy/{n}", **{"labels": found, **options.get("places", {}).get(n, {})})
        for n, found in enumerate(labels)
    ]
    labelled = Labelled(
        clips=clips,
        targets=targets,
        frames=options.get("frames", FRAMES_SCHEMA.empty_table()),
        names=Names(emotion=["happy", "sad"], words={}),
        ledger=options.get("ledger", []),
        kept=[],
    )
    write_labels(labelled, folder / "labels", folder / "targets")
    return read_overview(folder / "labels", folder / "targets")


def test_classes_and_subjects_are_counted_by_side(tmp_path):
    places = {0: {"split": "train"}, 1: {"split": "train"}, 2: {"split": "val"}}
    labels = [{"emotion": "sad"}, {"emotion": "happy"}, {"emotion": "sad"}, {}]
    found = look(tmp_path, labels, places=places)
    assert found.parts == ["train", "val", "none"]
    assert found.classes["sad"] == {"train": 1, "val": 1, "none": 0, ALL: 2}
    assert found.subjects == {"train": 2, "val": 1, "none": 1, ALL: 2}
    assert found.clips[ALL] == 4


def test_folds_are_in_the_order_of_their_numbers(tmp_path):
    places = {n: {"fold": 11 - n} for n in range(12)}
    found = look(tmp_path, [{"emotion": "sad"}] * 12, places=places)
    assert found.parts[:3] == ["fold-0", "fold-1", "fold-2"]


def test_ratings_of_clips_and_frames_are_told_with_their_histogram(tmp_path):
    rows = [
        {"clip_id": "toy/0", "frame": n, "seconds": n / 10, "valence": v, "emotion": "happy"}
        for n, v in enumerate((-1.0, 0.5))
    ]
    frames = pa.Table.from_pylist(rows, schema=FRAMES_SCHEMA)
    found = look(tmp_path, [{"valence": 1.0}, {"dominance": 0.0}], frames=frames)
    rated = found.ratings["valence"]
    assert (rated.count, rated.least, rated.greatest) == (3, -1.0, 1.0)
    assert rated.mean == pytest.approx(1 / 6)
    assert rated.histogram == (1, 0, 0, 0, 0, 0, 0, 1, 0, 1)
    assert found.framed == {"happy": 2, "sad": 0}
    assert found.ratings.keys() == {"valence", "dominance"}


def test_agreement_is_the_share_of_a_clips_first_class(tmp_path):
    labels = [{"votes": (("happy", 3.0), ("sad", 1.0))}, {"votes": (("sad", 2.0),)}, {}]
    assert look(tmp_path, labels).agreement == pytest.approx((0.75 + 1) / 2)
    assert look(tmp_path, [{}]).agreement is None


def test_the_ledger_is_told(tmp_path):
    entry = Entry("toy/9", "labels", "left_out", "no_file", "the corpus's table names it")
    assert look(tmp_path, [{}], ledger=[entry]).entries == [entry]


def test_the_highest_bar_is_that_of_most():
    assert draw_bars([0, 0]) == "  "
    assert draw_bars([1, 1000]) == "▁█"

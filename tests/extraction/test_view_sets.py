"""Views from extraction to training: who has some, what they cost, and who never sees them."""

import io
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from rich.console import Console

from pipeline.audits.catalogue import measure_rate
from pipeline.audits.differences import compare_stores
from pipeline.audits.inspection import inspect_path
from pipeline.audits.replaying import replay_features
from pipeline.cli.comparisons import list_differences
from pipeline.cli.inspections import show_found
from pipeline.cli.replays import list_replay
from pipeline.encoders.params import ENCODERS
from pipeline.extraction.feature_sets import extract_features
from pipeline.extraction.source import encode_clips, open_source
from pipeline.extraction.views import View
from pipeline.labels.clip_labels import ClipLabels, write_trained
from pipeline.labels.runs import Run, find_trained
from pipeline.media import inputs
from pipeline.media.jpeg import encode_jpeg
from pipeline.rows import Rows
from pipeline.sections import parse_section
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import FeatureStore, open_features
from pipeline.store.zarr import PARTS
from pipeline.training.fitting import fit_run
from pipeline.windows.dataset import WindowDataset
from pipeline.windows.labels import Labels
from tests.stores import EMOTIONS, make_labels, make_params, make_rows, write_features
from tests.tones import make_mfcc, pack_tones

SECONDS = {"train/a": 0.5, "train/b": 0.7, "val/c": 0.6, "test/d": 0.9}
TRAINED = {"train/a", "train/b"}
VIEWS = {"train/a#view1", "train/a#view2", "train/b#view1", "train/b#view2"}
OFFICIAL = Run("official", None)


class Project:
    """A store of tones of three sides, and the sets that are extracted of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.media = pack_tones(root / "audio", SECONDS)
        self.trained = root / "trained.parquet"
        self.targets = [ClipLabels(clip_id=name, split=name.split("/")[0]) for name in SECONDS]
        write_trained(self.trained, find_trained(self.targets))

    def extract(self, name: str = "set", **options: object) -> FeatureStore:
        out = self.root / name
        params = make_mfcc(**{"views": 2, **options})
        extract_features(params, self.media, out, self.root / "work", trained=self.trained)
        return open_features(out)

    def list_encoded(self) -> list[str]:
        """Clips and views of all parts that were ever made."""
        paths = self.root.glob("work/*/[!.]*")
        return sorted(clip.clip_id for path in paths for clip in PARTS.read_clips(path))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_clips_that_train_have_views_and_no_others_do(project: Project) -> None:
    store = project.extract()
    assert set(store.index.clip_ids) == SECONDS.keys() | VIEWS
    assert store.views == VIEWS


def test_views_differ_from_their_clip_and_from_one_another(project: Project) -> None:
    store = project.extract()
    rows = [store[name].embedding for name in ("train/a", "train/a#view1", "train/a#view2")]
    assert not any(np.array_equal(rows[n], rows[n - 1]) for n in range(3))


def test_added_views_encode_themselves_alone(project: Project) -> None:
    project.extract("without", views=0)
    assert project.list_encoded() == sorted(SECONDS)
    project.extract("two", views=2)
    assert project.list_encoded() == sorted(SECONDS.keys() | VIEWS)
    project.extract("three", views=3)
    added = {"train/a#view3", "train/b#view3"}
    assert project.list_encoded() == sorted(SECONDS.keys() | VIEWS | added)


def test_fewer_views_encode_nothing_and_are_no_longer_in_the_set(project: Project) -> None:
    project.extract("two")
    before = project.list_encoded()
    assert project.extract("one", views=1).views == {"train/a#view1", "train/b#view1"}
    assert not project.extract("none", views=0).views
    assert project.list_encoded() == before


def test_another_split_moves_views_and_leaves_clips(project: Project) -> None:
    project.extract("before")
    before = project.list_encoded()
    write_trained(project.trained, ["train/a", "val/c"])
    after = project.extract("after")
    assert after.views == {"train/a#view1", "train/a#view2", "val/c#view1", "val/c#view2"}
    assert project.list_encoded() == sorted([*before, "val/c#view1", "val/c#view2"])


def test_rows_of_views_are_in_the_clips_own_time(project: Project) -> None:
    store = project.extract(statistics=[])
    own, view = store["train/b"], store["train/b#view1"]
    assert len(view) != len(own)
    assert view.end_seconds[-1] == pytest.approx(own.end_seconds[-1], abs=0.02)


def test_a_rate_counts_the_clips_own_seconds(project: Project) -> None:
    store = project.extract(statistics=[], rate_hz=10.0)
    for number in (1, 2):
        assert len(store[f"train/a#view{number}"]) == len(store["train/a"]) == 5


def test_views_are_stated_and_change_no_fingerprint(project: Project) -> None:
    with_views, without = project.extract("two"), project.extract("none", views=0)
    assert with_views.provenance["views"]["count"] == 2
    assert "rates" in with_views.provenance["views"]
    assert "views" not in without.provenance
    assert with_views.provenance["fingerprint"] == without.provenance["fingerprint"]


def test_a_view_too_short_for_the_encoder_is_in_no_ledger(tmp_path: Path) -> None:
    media = pack_tones(tmp_path / "audio", {"a": 0.5, "brief": 0.01})
    write_trained(tmp_path / "trained", ["a", "brief"])
    params, out = make_mfcc(views=2), tmp_path / "set"
    extract_features(params, media, out, tmp_path / "work", trained=tmp_path / "trained")
    assert not open_features(out).has_rows("brief#view1")
    assert [entry.clip_id for entry in read_ledger(out / "ledger.parquet")] == ["brief"]


def test_workers_make_the_views_that_one_process_makes(project: Project) -> None:
    alone = project.extract("alone")
    shutil.rmtree(project.root / "work")
    together = project.extract("together", workers=2, batch=1)
    for clip_id in SECONDS.keys() | VIEWS:
        np.testing.assert_array_equal(together[clip_id].embedding, alone[clip_id].embedding)


def test_a_long_view_in_pieces_is_the_view_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"modality": "scene", "encoder": "hog", "pixels": 16}
    params = parse_section(ENCODERS.find("hog").params, given, "features.hog")
    generator = np.random.default_rng(0)
    jpegs = [
        encode_jpeg(generator.integers(0, 255, (24, 24, 3)).astype(np.uint8), 95) for _ in range(7)
    ]
    media = {"a": pa.table({"seconds": np.arange(7) / 5, "jpeg": jpegs})}

    def encode() -> Rows:
        encoder = ENCODERS.load("hog").Encoder(params)
        ((_, rows),) = encode_clips(encoder, params, media, ["v"], {"v": View("a", 1)})
        return rows

    whole = encode()
    monkeypatch.setattr(inputs, "PIECE_BYTES", 3 * 24 * 24 * 3)
    np.testing.assert_array_equal(encode().embedding, whole.embedding)


class TestTools:
    """A view is no clip, whoever counts."""

    def test_inspection_counts_and_lists_clips(self, project: Project) -> None:
        shown = show(project.extract().path)
        assert "clips 4, ok 4" in shown
        assert "views of them 4" in shown
        assert "#view1" not in shown
        project.extract("other", views=0)
        assert "4 clips, 4 views of them, 8 rows" in show(project.root)

    def test_a_rate_is_that_of_clips(self, project: Project) -> None:
        assert measure_rate(project.extract(statistics=[])) == "100 Hz"

    def test_a_set_in_another_format_has_the_same_views(self, project: Project) -> None:
        project.extract()
        assert project.extract("new", format="hdf5").views == VIEWS

    def test_differences_tell_views_from_clips(self, project: Project) -> None:
        without, two = project.extract("without", views=0), project.extract("two")
        found = compare_stores(without.path, two.path, 1e-3)
        lines = list(list_differences(found))
        assert "  extract  views.count: none → 2" in lines
        assert "clips: 4 in both" in lines
        assert (
            "views: 0 in both; 4 only in B (train/a#view1, train/a#view2, train/b#view1, …)"
            in lines
        )
        assert not found.same
        again = compare_stores(two.path, project.extract("again").path, 1e-3)
        assert again.same
        assert any(
            line.startswith("values of 8 clips and views") for line in list_differences(again)
        )

    def test_views_are_replayed_with_their_clips(self, project: Project) -> None:
        out = project.extract().path
        source = open_source(make_mfcc(views=2), project.media, project.trained)
        found = replay_features(out, source, clips=20, seed=0)
        assert found.values is not None
        assert found.values.same
        lines = list(list_replay(out, found))
        assert lines[0].endswith("4 of 4 clips encoded again, with 4 views of them")

    def test_a_replay_without_views_is_of_clips(self, project: Project) -> None:
        out = project.extract().path
        source = open_source(make_mfcc(), project.media, project.trained)
        found = replay_features(out, source, clips=20, seed=0)
        assert (found.clips, found.views, found.other_inputs) == (4, 0, ())
        assert found.changes[0].path == "views.count"


def show(path: Path) -> str:
    console = Console(file=io.StringIO(), width=200)
    for renderable in show_found(path, inspect_path(path)):
        console.print(renderable)
    return " ".join(console.file.getvalue().split())


class TestDataset:
    def test_each_window_comes_once_more_for_each_view(self, tmp_path: Path) -> None:
        dataset = build(tmp_path, windows={"seconds": 2.0})
        dataset.add_clips(["a", "b"], views=True)
        assert [window.clip_id for window in dataset.windows] == ["a"] * 9 + ["b"] * 3
        assert take(dataset) == [1, 2, 2, 11, 12, 12, 21, 22, 22, 5, 15, 25]

    def test_without_asking_nobody_sees_views(self, tmp_path: Path) -> None:
        dataset = build(tmp_path, windows={"seconds": 2.0})
        dataset.add_clips(["a", "b"])
        assert take(dataset) == [1, 2, 2, 5]

    def test_a_set_without_the_view_gives_the_clip_itself(self, tmp_path: Path) -> None:
        plain = write_features(tmp_path / "plain", {"a": make_rows([[7, 7]]), "b": None})
        one = write_features(
            tmp_path / "one", {"a": make_rows([[1]]), "a#view1": make_rows([[2]])}, views=1
        )
        params = make_params("mlp", {"text": "plain", "audio": "one"})
        dataset = WindowDataset({"text": plain, "audio": one}, label("ab"), params)
        dataset.add_clips("ab", views=True)
        batch = dataset[range(len(dataset))]
        assert batch.streams["audio"].rows[:, 0, 0].tolist() == [1, 2]
        assert batch.streams["text"].rows[:, 0, 0].tolist() == [7, 7]

    def test_a_view_has_its_clips_labels(self, tmp_path: Path) -> None:
        dataset = build(tmp_path)
        dataset.add_clips("ab", views=True)
        batch = dataset[range(len(dataset))]
        assert batch.targets["emotion"].tolist() == [0, 0, 0, 1, 1, 1]

    def test_labels_of_frames_meet_the_views_rows(self, tmp_path: Path) -> None:
        seconds = {"seconds": [0.5, 1.5, 2.5], "valence": [0.1, 0.2, 0.3]}
        labels = make_labels([ClipLabels(clip_id="a")], {"a": seconds})
        dataset = build(tmp_path, labels=labels, targets=["valence"])
        dataset.add_clips("a", views=True)
        batch = dataset[range(len(dataset))]
        assert batch.streams["audio"].rows[:, :, 0].tolist() == [
            [1, 1, 2],
            [11, 11, 12],
            [21, 21, 22],
        ]
        assert torch.equal(batch.targets["valence"][0], batch.targets["valence"][2])


def label(names: str) -> Labels:
    return make_labels(
        [ClipLabels(clip_id=name, labels={"emotion": EMOTIONS[n]}) for n, name in enumerate(names)]
    )


def build(folder: Path, labels: Labels | None = None, **options: object) -> WindowDataset:
    """Clip `a` of three rows, `b` of one, each 2 s; two views, whose rows are 10 and 20 more."""
    own = {"a": np.array([[1], [2], [2]]), "b": np.array([[5]])}
    rows = {name: make_rows(values, step=2.0) for name, values in own.items()}
    for name, values in own.items():
        rows |= {f"{name}#view{n}": make_rows(values + 10 * n, step=2.0) for n in (1, 2)}
    store = write_features(folder / "toy", rows, views=2)
    params = make_params("mlp", {"audio": "toy"}, **{"targets": ["emotion"], **options})
    return WindowDataset({"audio": store}, labels or label("ab"), params)


def take(dataset: WindowDataset) -> list[float]:
    """First number of each window."""
    return [float(dataset[[n]].streams["audio"].rows[0, 0, 0]) for n in range(len(dataset))]


class TestTraining:
    @pytest.mark.parametrize("kind", ["linear", "mlp"])
    def test_a_head_learns_from_views_of_train_and_sees_no_others(
        self, tmp_path: Path, kind: str
    ) -> None:
        store, labels = make_sides(tmp_path)
        options = {"training": {"epochs": 2}} if kind == "mlp" else {"strengths": [1.0]}
        params = make_params(kind, {"audio": "audio"}, targets=["emotion"], **options)
        # Views of val and test are NaN here: whoever reads one fails.
        fitted = fit_run(params, {"audio": store}, labels, OFFICIAL, tmp_path / "live")
        seen = [store[name].embedding for name in store.index.clip_ids if name[:5] == "train"]
        assert len(seen) == 3 * 6
        mean = np.concatenate(seen).astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(fitted.head.readers["audio"].mean, mean, rtol=1e-5)

    def test_weights_of_classes_follow_the_windows(self, tmp_path: Path) -> None:
        from pipeline.training.classes import weigh_classes

        rows = {"a": make_rows([[1]]), "b": make_rows([[1]]), "b#view1": make_rows([[1]])}
        store = write_features(tmp_path / "toy", rows, views=1)
        balanced = {"class_weights": "balanced"}
        params = make_params("mlp", {"audio": "toy"}, targets=["emotion"], training=balanced)
        dataset = WindowDataset({"audio": store}, label("ab"), params)
        dataset.add_clips("ab", views=True)
        assert weigh_classes(dataset)["emotion"].tolist() == [1.0, 0.5, 1.0]


def make_sides(folder: Path) -> tuple[FeatureStore, Labels]:
    """Six clips on each side, with two views each; those of `val` and `test` are NaN."""
    generator = np.random.default_rng(0)
    targets, rows = [], {}
    for side in ("train", "val", "test"):
        for number in range(6):
            name, emotion = f"{side}/{number}", number % 3
            targets.append(
                ClipLabels(clip_id=name, split=side, labels={"emotion": EMOTIONS[emotion]})
            )
            own = np.eye(3)[emotion] + 0.1 * generator.normal(size=(2, 3))
            rows[name] = make_rows(own)
            for view in (1, 2):
                rows[f"{name}#view{view}"] = make_rows(
                    own + view if side == "train" else own * np.nan
                )
    return write_features(folder / "audio", rows, views=2), make_labels(targets)

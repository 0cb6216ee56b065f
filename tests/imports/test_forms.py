"""What every form promises: rows, ids and seconds that were saved are those imported."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.imports import FORMS as MEMBERS
from pipeline.imports import find_form
from pipeline.imports.importing import import_features
from pipeline.store.integrity import verify_store
from pipeline.store.reader import FeatureStore, open_features
from tests.imports.forms import DIM, FORMS, MOST, ROWS, ask, stretch

every_form = pytest.mark.parametrize("name", FORMS)


def bring(name: str, folder: Path, **stated: object) -> FeatureStore:
    form = FORMS[name]
    import_features([form.save(folder)], folder / "out", ask(form.ids, **stated))
    return open_features(folder / "out")


def test_every_form_has_a_case(tmp_path: Path) -> None:
    forms = set()
    for number, form in enumerate(FORMS.values()):
        (tmp_path / str(number)).mkdir()
        forms.add(find_form(form.save(tmp_path / str(number))))
    assert forms == MEMBERS.members.keys()


@every_form
def test_rows_and_ids_are_those_that_were_saved(name: str, tmp_path: Path) -> None:
    store = bring(name, tmp_path)
    assert (list(store), store.row_shape) == (sorted(ROWS), (DIM,))
    for clip_id, rows in ROWS.items():
        np.testing.assert_array_equal(store[clip_id].embedding, rows)
        assert store[clip_id].valid.all()


@every_form
def test_seconds_are_those_that_were_saved_or_asked_for(name: str, tmp_path: Path) -> None:
    store = bring(name, tmp_path, rate_hz=None if FORMS[name].timed else 4.0)
    for clip_id, rows in ROWS.items():
        found = np.stack([store[clip_id].start_seconds, store[clip_id].end_seconds], axis=1)
        np.testing.assert_allclose(found, stretch(rows))


@every_form
def test_the_same_file_gives_the_same_digest(name: str, tmp_path: Path) -> None:
    path, ids = FORMS[name].save(tmp_path), FORMS[name].ids
    first, second = (import_features([path], tmp_path / n, ask(ids)) for n in ("one", "two"))
    assert first == second
    assert (first.clips, first.rows, first.row_shape) == (3, 6, (DIM,))
    assert first.padding == (3 * MOST - 6 if FORMS[name].padded else 0)


@every_form
def test_what_was_imported_is_sound_and_says_what_it_is_of(name: str, tmp_path: Path) -> None:
    store = bring(name, tmp_path, made_by="COVAREP 1.4", trained_on_labels=["mosi"])
    assert list(verify_store(tmp_path / "out")) == []
    settings = store.provenance["settings"]
    (file,) = settings["files"]
    assert name.startswith(file["form"])
    assert (settings["made_by"], settings["trained_on_labels"]) == ("COVAREP 1.4", ["mosi"])
    assert settings["times"] == ("stated" if FORMS[name].timed else "numbered")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

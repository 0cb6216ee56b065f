import numpy as np
import pyarrow as pa
import pytest

from pipeline.faces.tables import FACE_SCHEMA, TRACK_SCHEMA
from pipeline.media.jpeg import encode_jpeg
from pipeline.predictor.joining import join_tracks
from pipeline.predictor.people import MOST_PEOPLE, Person, choose_people, list_people, part_people
from pipeline.store.index import rowless
from pipeline.store.ledger import read_ledger
from pipeline.store.provenance import Provenance
from pipeline.store.reader import MediaStore, open_media
from pipeline.store.writer import Made, StoreWriter

RED, BLUE = (
    encode_jpeg(np.full((16, 16, 3), colour, np.uint8), 95)
    for colour in ((200, 30, 30), (30, 30, 200))
)


def see(track, seconds, left=0.0, jpeg=RED):
    """Rows of a face that is at `left` at each of `seconds`."""
    row = dict.fromkeys(("score", "sharpness", "brightness", "size"), 1.0)
    row |= {name: float("nan") for name in ("yaw", "pitch", "roll")}
    row |= {"clip_id": "media/a", "track": track, "marks": "", "jpeg": jpeg, "frame": 0}
    row |= {"box": [left, 0.0, left + 10, 10.0], "landmarks": [0.0] * 10}
    return [row | {"seconds": float(second)} for second in seconds]


def tabulate(*rows, schema=FACE_SCHEMA):
    return pa.Table.from_pylist([row for some in rows for row in some], schema=schema)


def list_joined(*rows):
    return [(one.number, one.tracks) for one in join_tracks(tabulate(*rows))]


def test_who_is_found_again_where_it_was_lost_is_the_same():
    assert list_joined(see(0, [0, 1]), see(1, [4, 5], left=2.0)) == [(0, [0, 1])]


@pytest.mark.parametrize(
    "later",
    [
        see(1, [4, 5], left=40.0),
        see(1, [4, 5], jpeg=BLUE),  # another shot
        see(1, [1, 2]),  # both at once
    ],
)
def test_who_is_elsewhere_or_of_other_colours_or_there_at_once_is_another(later):
    assert list_joined(see(0, [0, 1]), later) == [(0, [0]), (1, [1])]


def test_shots_that_go_back_and_forth_are_of_two_people():
    shots = [see(n, [2 * n, 2 * n + 1], jpeg=(RED, BLUE)[n % 2]) for n in range(4)]
    assert list_joined(*shots) == [(0, [0, 2]), (1, [1, 3])]


def test_who_passes_by_or_is_one_too_many_is_left_out_and_told_of():
    crowd = [see(n, [0, 5 + n / 100], left=20.0 * n) for n in range(MOST_PEOPLE + 1)]
    kept, remark = choose_people(tabulate(*crowd, see(99, [0, 0.4], left=900.0)), unclear=3)
    assert {one.number for one in kept} == set(range(1, MOST_PEOPLE + 1))
    assert remark == (
        "16 answered for, not for 1 seen for less than 1 s, 3 never seen well enough, "
        "1 beyond the 16 that are seen longest"
    )


def test_a_picture_is_of_all_who_are_in_it():
    kept, remark = choose_people(tabulate(see(0, [0]), see(1, [0], left=40.0)), unclear=0)
    assert ([one.number for one in kept], remark) == ([0, 1], "")


def test_each_person_becomes_a_clip_and_those_left_out_are_in_the_ledger(tmp_path, monkeypatch):
    work, stored = tmp_path / "work", {}
    rows = [see(0, range(3)), see(4, range(4, 8)), see(7, range(9), left=40.0)]
    tables = {"face": tabulate(*rows), "tracks": tabulate(*rows, see(9, [0]), schema=TRACK_SCHEMA)}
    for name, table in tables.items():
        with StoreWriter(work, Provenance(name, {"choose": "all"}), "parquet", table.schema) as w:
            w.add("media/a", "key", Made(table))
            w.close_part()
            places = w.locate({"media/a": "key"}) | {"media/b": rowless("media/b")}
            w.publish(tmp_path / name, places, [])
        stored[name] = open_media(tmp_path / name)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.reader.HELD_BYTES", 0)
        patch.setattr(MediaStore, "open_part", None)  # a whole film in memory: nobody may call it
        part_people(stored["face"], stored["tracks"], tmp_path / "people", work)
    people = open_media(tmp_path / "people")
    assert list(people) == ["media/a//0", "media/a//7", "media/b"]
    assert people["media/a//0"]["seconds"].to_pylist() == [0, 1, 2, 4, 5, 6, 7]
    assert set(people["media/a//0"]["track"].to_pylist()) == {0}
    assert people["media/b"] is None
    (entry,) = read_ledger(tmp_path / "people" / "ledger.parquet")
    assert (entry.clip_id, entry.reason) == ("media/a", "people")
    found = list_people(["media/a", "media/b"], people)
    assert found["media/b"] == [Person("media/b")]
    assert [person.track for person in found["media/a"]] == [0, 7]

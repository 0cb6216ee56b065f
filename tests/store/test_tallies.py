import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store.ledger import Entry, write_ledger
from pipeline.store.tallies import tally_clips
from tests.stores import make_rows, write_features


def test_a_table_holds_the_clips_that_were_kept(tmp_path):
    pq.write_table(pa.table({"clip_id": ["b", "c"]}), tmp_path / "clips.parquet")
    lost = Entry("a", "clean", "left_out", "no_audio", "expected sound, got none")
    marked = [Entry(clip_id, "clean", "marked", "clipped", "") for clip_id in "bc"]
    write_ledger(tmp_path / "ledger.parquet", [lost, *marked])
    assert tally_clips(tmp_path) == (
        f"{tmp_path}: 2 of 3 clips; left out 1 no_audio; marked 2 clipped "
        f"({tmp_path}/ledger.parquet)"
    )


def test_a_store_holds_all_clips_and_its_views_are_none(tmp_path):
    rows = {clip_id: make_rows([[1.0]]) for clip_id in ("a", "a#view1", "b")}
    write_features(tmp_path / "mfcc", rows, views=1)
    assert tally_clips(tmp_path / "mfcc") == f"{tmp_path / 'mfcc'}: 2 of 2 clips"

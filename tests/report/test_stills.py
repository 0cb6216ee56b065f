"""Frames of a clip's video on its page, whatever the video does."""

from dataclasses import replace
from pathlib import Path

from pipeline.labels.clips import Clip
from pipeline.media.sampling import Sampling
from pipeline.report.stills import film_apart
from tests.conftest import PROJECT

FILM = Clip(
    clip_id="a", corpus="toy", path=str(PROJECT / "data" / "demo" / "speaker_01" / "clip_01.mp4")
)


def test_a_film_is_read_by_a_process_that_is_not_waited_for_without_end(tmp_path: Path) -> None:
    stills = film_apart(FILM, Sampling(rate_hz=2.0))
    assert (len(stills.shown), stills.broken) == (4, None)
    late = film_apart(FILM, Sampling(), limit_seconds=1e-3)
    assert (late.shown, late.source) == ([], "the video")
    assert str(late.broken).startswith("timeout: ")
    (tmp_path / "b.mp4").write_bytes(b"no film")
    broken = film_apart(replace(FILM, path=str(tmp_path / "b.mp4")), Sampling())
    assert "unreadable" in str(broken.broken)

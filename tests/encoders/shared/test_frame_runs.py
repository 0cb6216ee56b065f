import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.encoders.params import FrameRunParams
from pipeline.encoders.shared.frame_runs import FrameRunEncoder, cut_runs, plan_run
from pipeline.encoders.shared.pictures import Preparation
from pipeline.errors import ParamsError
from pipeline.media.inputs import cut_pieces
from pipeline.rows import FrameRun, Frames
from pipeline.sections import parse_section

SQUARE = Preparation((8, 8), (8, 8), "lost", "bilinear")
FRAME_RUNS = st.integers(1, 60).flatmap(
    lambda frames: st.builds(FrameRun, st.just(frames), st.integers(1, frames))
)


def list_cuts(frames, run):
    return [list(places) for places in cut_runs(frames, FrameRun(*run))]


def test_runs_end_with_the_first_that_reaches_the_last_frame():
    assert list_cuts(0, (3, 2)) == []
    assert list_cuts(1, (3, 2)) == [[0]]
    assert list_cuts(3, (3, 1)) == [[0, 1, 2]]
    assert list_cuts(5, (3, 2)) == [[0, 1, 2], [2, 3, 4]]
    assert list_cuts(6, (3, 2)) == [[0, 1, 2], [2, 3, 4], [4, 5]]
    assert list_cuts(7, (3, 3)) == [[0, 1, 2], [3, 4, 5], [6]]


@given(st.integers(0, 300), FRAME_RUNS)
def test_every_frame_is_in_a_run_and_only_the_last_run_is_short(frames, run):
    cut = cut_runs(frames, run)
    assert {place for places in cut for place in places} == set(range(frames))
    assert all(len(places) == run.frames for places in cut[:-1])


@given(st.integers(1, 3_000), FRAME_RUNS)
def test_the_runs_of_all_pieces_are_those_of_the_whole(frames, run):
    joined = [
        range(piece.start + places.start, piece.start + places.stop)
        for piece in cut_pieces(frames, run, 512)
        for places in cut_runs(piece.stop - piece.start, run)
    ]
    assert joined == cut_runs(frames, run)


def parse(**options):
    section = {"modality": "face", "encoder": "any", **options}
    return parse_section(FrameRunParams, section, "features.any")


def test_the_run_is_the_networks_own_unless_it_is_told():
    assert plan_run(parse(), 16) == FrameRun(16, 16)
    assert plan_run(parse(hop=5), 16) == FrameRun(16, 5)
    assert plan_run(parse(frames_per_run=7), 16) == FrameRun(7, 7)


def test_a_hop_that_leaves_frames_out_is_refused():
    with pytest.raises(ParamsError, match="hop: expected at most 16, the frames of a run, got 17"):
        plan_run(parse(hop=17), 16)


class Brightness:
    """A network that gives each frame's brightness in order, and remembers its batches."""

    def __init__(self):
        self.batches = []

    def __call__(self, runs):
        self.batches.append(len(runs))
        return runs.mean((2, 3, 4))


def make_encoder(run, network=None, frames=64):
    network = network or Brightness()
    constants = {"weights_digest": "any"}
    return FrameRunEncoder(network, SQUARE, constants, run, device="cpu", frames=frames)


def make_clip(frames, pixels=9):
    """Frames of brightness 0, 1/255, 2/255, …, of which number 2 is missing in time."""
    levels = np.arange(frames, dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (frames, pixels, pixels, 3))
    starts = (np.arange(frames) + (np.arange(frames) > 1)) * 0.2
    return Frames(images, starts, starts + 0.2)


def test_rows_are_of_whole_runs_the_last_one_completed_by_its_last_frame():
    (rows,) = make_encoder(FrameRun(3, 2)).encode([make_clip(6)])
    expected = [[0, 1, 2], [2, 3, 4], [4, 5, 5]]
    np.testing.assert_allclose(rows.embedding * 255, expected, atol=1e-4)
    np.testing.assert_allclose(rows.start_seconds, [0, 0.6, 1.0])
    np.testing.assert_allclose(rows.end_seconds, [0.8, 1.2, 1.4])
    assert rows.valid.all()


def test_a_clip_shorter_than_a_run_gives_a_row_of_its_own_stretch():
    none, short = make_encoder(FrameRun(5, 5)).encode([make_clip(0), make_clip(2)])
    assert none.embedding.shape == (0, 5)
    np.testing.assert_allclose(short.embedding * 255, [[0, 1, 1, 1, 1]], atol=1e-4)
    assert (short.start_seconds, short.end_seconds) == (0, 0.4)


def test_runs_of_all_clips_share_batches_within_the_budget():
    network = Brightness()
    clips = [make_clip(frames, pixels) for frames, pixels in ((5, 9), (0, 9), (2, 7), (3, 9))]
    together = make_encoder(FrameRun(3, 3), network, frames=8).encode(clips)
    assert network.batches == [2, 2, 2]  # two stills, before all
    for rows, clip in zip(together, clips, strict=True):
        (alone,) = make_encoder(FrameRun(3, 3)).encode([clip])
        assert np.array_equal(rows.embedding, alone.embedding)


def test_huge_pictures_weigh_more_than_they_do_in_the_network():
    network = Brightness()
    clips = [make_clip(6, 64), make_clip(6)]
    make_encoder(FrameRun(3, 3), network, frames=12).encode(clips)
    assert network.batches == [2, 1, 1, 2]


def test_pieces_of_a_clip_give_the_rows_of_the_whole():
    encoder, clip = make_encoder(FrameRun(4, 3)), make_clip(20)
    (whole,) = encoder.encode([clip])
    # Steps of two hops; a piece reaches over the next one by what a run is longer than a hop.
    pieces = [slice(start, start + 6 + 1) for start in range(0, 20 - 1, 6)]
    parts = [
        Frames(clip.images[piece], clip.start_seconds[piece], clip.end_seconds[piece])
        for piece in pieces
    ]
    for name in ("embedding", "start_seconds", "end_seconds"):
        joined = np.concatenate([getattr(rows, name) for rows in encoder.encode(parts)])
        assert np.array_equal(joined, getattr(whole, name))


def test_provenance_tells_the_run_and_the_preparation():
    one, other = (make_encoder(FrameRun(4, hop)).provenance for hop in (4, 3))
    assert one["frame_run"] == {"frames": 4, "hop": 4} != other["frame_run"]
    assert one["preparation"] == other["preparation"] == SQUARE.provenance["preparation"]


def test_a_network_that_refuses_the_run_says_so():
    def refuse(runs):
        raise ValueError(f"at least 7\ngot {runs.shape}")

    told = r"frames_per_run: expected .* got 5 frames of 8 x 8 \(at least 7\); choose another"
    with pytest.raises(ParamsError, match=told):
        make_encoder(FrameRun(5, 5), refuse)

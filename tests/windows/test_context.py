"""Turns around the clips of a dialogue, as a head gets them."""

from pathlib import Path

import pytest

from pipeline.heads.context import add_contexts
from pipeline.heads.window_params import WindowParams
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.dialogues import Turn
from pipeline.windows.context import Surroundings
from pipeline.windows.dataset import WindowDataset
from tests.stores import make_labels, make_params, make_rows, write_features

TALK = {
    "a": Turn(0, 2, 0),
    "b": Turn(0, 3, 1),
    "c": Turn(0, 5, 0),
    "d": Turn(0, 7, None),
    "e": Turn(0, 8, 0),
    "twin": Turn(0, 5, 1),
    "far": Turn(1, 4, 0),
}
"""A dialogue of people 0 and 1 and somebody who is not named, and a turn of another dialogue."""


def find(clip_id: str, **windows: object) -> dict[str, tuple[int, str]]:
    around = Surroundings({}, TALK, WindowParams(**windows)).find_neighbours(clip_id)
    return {found.clip_id: (found.away, found.relation) for found in around}


def test_turns_before_and_after_are_told_apart_and_so_are_speakers() -> None:
    assert find("c", context_turns=5) == {
        "a": (-2, "before_own"),
        "b": (-1, "before_others"),
        "d": (1, "after_others"),
        "e": (2, "after_own"),
    }


def test_the_nearest_turns_are_seen() -> None:
    assert find("c", context_turns=1).keys() == {"b", "d"}
    assert find("a", context_turns=2).keys() == {"b", "c"}


def test_who_is_not_named_is_nobody_else() -> None:
    assert {relation for _, relation in find("d", context_turns=5).values()} == {
        "before_others",
        "after_others",
    }


def test_a_clip_of_no_dialogue_has_nobody_around_it() -> None:
    assert find("lone", context_turns=5) == {}


class Talk:
    """The clips of TALK, whose rows are counted from 0; of `b` the second row is not valid."""

    def __init__(self, folder: Path, **windows: object) -> None:
        rows = {name: make_rows([[10.0 * n], [10.0 * n + 2]]) for n, name in enumerate(TALK)}
        rows["b"] = make_rows([[10.0], [12.0]], valid=[True, False])
        rows["d"] = None
        labels = make_labels([ClipLabels(clip_id=name) for name in TALK], turns=TALK)
        params = make_params("mlp", {"text": "text"}, windows=windows)
        self.dataset = WindowDataset({"text": write_features(folder / "t", rows)}, labels, params)
        self.dataset.add_clips(TALK)

    def see(self, clip_id: str) -> dict[str, list[tuple[float, float]]]:
        """Stream of context → turns away and the row there, of those that are present."""
        names = [window.clip_id for window in self.dataset.windows]
        streams = self.dataset[[names.index(clip_id)]].streams
        return {
            name.removeprefix("text@"): [
                (seconds, row)
                for seconds, (row,), here in zip(
                    *(value[0].tolist() for value in (stream.seconds, stream.rows, stream.mask)),
                    strict=True,
                )
                if here
            ]
            for name, stream in streams.items()
            if name != "text"
        }


def test_a_turn_is_the_mean_of_its_rows(tmp_path: Path) -> None:
    assert Talk(tmp_path, context_turns=2).see("c") == {
        "before_own": [(-2.0, 1.0)],
        "before_others": [(-1.0, 10.0)],
        "after_own": [(2.0, 41.0)],
        "after_others": [],
    }


def test_what_comes_is_not_seen_when_causal(tmp_path: Path) -> None:
    seen = Talk(tmp_path, context_turns=2, causal=True).see("e")
    assert seen == {"before_own": [], "before_others": [(-2.0, 51.0)]}


def test_windows_have_no_context_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert Talk(tmp_path).see("c") == {}


def test_a_clip_of_no_rows_has_no_window_whatever_is_around_it(tmp_path: Path) -> None:
    windows = Talk(tmp_path, context_turns=2).dataset.windows
    assert "d" not in [window.clip_id for window in windows]


@pytest.mark.parametrize(("causal", "streams"), [(False, 5), (True, 3)])
def test_a_set_is_read_by_as_many_streams_as_there_are_relations(
    causal: bool, streams: int
) -> None:
    windows = WindowParams(context_turns=1, causal=causal)
    assert set(add_contexts({"audio/mfcc": 7}, windows).values()) == {7}
    assert len(add_contexts({"audio/mfcc": 7}, windows)) == streams

import pytest

from pipeline.words.whisper.checkpoint import Marks
from pipeline.words.whisper.segments import Segment, split_segments, split_words
from tests.whispers import STEPS, list_tokens, make_listener, save_listener

MARKS = Marks(start=101, end=100, task=None, silence=105, first_time=107, languages={})


def at(step: int) -> int:
    return MARKS.first_time + step


@pytest.mark.parametrize(
    ("tokens", "segments", "following"),
    [
        ([at(3), 5, 7, at(11)], [(3, 11, (5, 7))], STEPS),
        ([at(3), 5, at(11), at(13), 7, at(17)], [(3, 11, (5,)), (13, 17, (7,))], STEPS),
        ([at(3), 5, at(11), at(11)], [(3, 11, (5,))], 11),
        ([at(3), 5, at(11), at(13), 7], [(3, 11, (5,))], 11),
        ([at(3), 5, 7], [(3, STEPS, (5, 7))], STEPS),
        ([at(3), at(5)], [], STEPS),
        ([], [], STEPS),
    ],
    ids=["whole", "two", "a pair of times ends", "cut off", "no end", "no text", "nothing"],
)
def test_times_cut_a_window(
    tokens: list[int], segments: list[tuple[int, int, tuple[int, ...]]], following: int
) -> None:
    expected = [Segment(*segment) for segment in segments], following
    assert split_segments(tokens, MARKS, STEPS) == expected


def test_a_segment_ends_with_the_sound() -> None:
    assert split_segments([at(3), 5, at(11)], MARKS, 7) == ([Segment(3, 7, (5,))], 7)


def test_what_is_said_behind_the_sound_is_left_out() -> None:
    assert split_segments([at(7), 5, at(11), at(11)], MARKS, 7) == ([], 7)


def test_marks_are_no_text() -> None:
    assert split_segments([at(3), 5, 101, at(11)], MARKS, STEPS)[0] == [Segment(3, 11, (5,))]


def test_a_word_takes_its_pieces_and_its_punctuation() -> None:
    tokens, tokenizer = list_tokens(True), make_listener(save_listener()).tokenizer
    said = tuple(tokens[piece] for piece in ("Ġwe", "ll", ",", "Ġsun", "!"))
    words = split_words([Segment(2, 40, said)], [0, 3, 5, 7, 11, 13], tokenizer, "en")
    assert words == [Segment(2, 7, said[:3]), Segment(7, 13, said[3:])]


def test_a_word_stays_in_its_segment_and_lasts_a_step() -> None:
    tokens, tokenizer = list_tokens(True), make_listener(save_listener()).tokenizer
    yes, no = (tokens["Ġyes"],), (tokens["Ġno"],)
    segments = [Segment(5, 11, yes), Segment(13, 17, no)]
    words = split_words(segments, [0, 23, 23], tokenizer, None)
    assert words == [Segment(5, 11, yes), Segment(16, 17, no)]

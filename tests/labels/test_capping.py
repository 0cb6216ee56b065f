import time
from collections import Counter

from pipeline.labels.capping import find_capped
from pipeline.labels.clip_labels import ClipLabels
from pipeline.labels.clips import Clip
from pipeline.labels.params import SplitParams

TARGETS = [
    ClipLabels(clip_id=f"toy/{number:03}", fold=number % 3, labels={"emotion": emotion})
    for number, emotion in enumerate(60 * ["sad"] + 30 * ["happy"] + 3 * ["calm"])
]


def list_clips(targets: list[ClipLabels]) -> list[Clip]:
    ids = [target.clip_id for target in targets]
    return [Clip(clip_id=name, corpus=name.partition("/")[0], path=name) for name in ids]


def keep(targets: list[ClipLabels] = TARGETS, **caps: int) -> list[ClipLabels]:
    found = find_capped(targets, SplitParams(**caps), list_clips(targets))
    gone = {entry.clip_id for entry in found}
    return [target for target in targets if target.clip_id not in gone]


def test_nothing_is_capped_unless_asked():
    assert find_capped(TARGETS, SplitParams(), list_clips(TARGETS)) == []


def test_each_class_has_as_many_of_each_fold():
    counts = Counter((t.labels["emotion"], t.fold) for t in keep(max_per_class=6))
    assert set(counts.values()) == {1, 2}
    assert sum(count for (name, _), count in counts.items() if name == "calm") == 3
    assert sum(count for (name, _), count in counts.items() if name == "sad") == 6


def test_all_in_all_are_as_even_as_they_can_be():
    counts = Counter(t.labels["emotion"] for t in keep(max_clips=30))
    assert (counts["calm"], sum(counts.values())) == (3, 30)
    assert abs(counts["sad"] - counts["happy"]) <= 3


def test_the_draw_is_the_seeds_and_no_other_clip_moves_it():
    first = {target.clip_id for target in keep(max_per_class=6)}
    assert first == {target.clip_id for target in keep(max_per_class=6)}
    assert first != {target.clip_id for target in keep(max_per_class=6, seed=1)}
    more = [*TARGETS, ClipLabels(clip_id="toy/999", fold=0, labels={"emotion": "calm"})]
    assert first <= {target.clip_id for target in keep(more, max_per_class=6)}


def test_clips_that_take_part_in_nothing_are_left_out_of_the_draw():
    idle = [ClipLabels(clip_id=f"toy/x{n}", labels={"emotion": "calm"}) for n in range(50)]
    assert keep([*idle, *TARGETS], max_per_class=6) == keep(max_per_class=6)
    assert keep([*idle, *TARGETS], max_clips=30) == keep(max_clips=30)


def test_where_no_clip_takes_part_all_are_drawn_from():
    idle = [ClipLabels(clip_id=f"toy/{n}") for n in range(9)]
    assert len(keep(idle, max_clips=4)) == len(keep(idle, max_per_class=4)) == 4


def test_clips_without_a_class_count_by_corpus():
    rated = [
        ClipLabels(clip_id=f"{corpus}/{n}", split="train", labels={"valence": 0.0})
        for corpus, count in (("large", 40), ("small", 4))
        for n in range(count)
    ]
    for caps in ({"max_per_class": 4}, {"max_clips": 8}):
        counts = Counter(target.clip_id.split("/")[0] for target in keep(rated, **caps))
        assert counts == {"large": 4, "small": 4}


def test_what_is_left_out_is_told():
    entry = find_capped(TARGETS, SplitParams(max_clips=1), list_clips(TARGETS))[0]
    assert (entry.status, entry.reason) == ("left_out", "capped")
    assert entry.detail == "max_per_class None, max_clips 1"


def test_a_fold_for_each_of_very_many_clips_takes_no_turn_each():
    """300,000 of them took hours beside one fold of as many."""
    names = [f"toy/{number}" for number in range(20_000)]
    targets = [
        ClipLabels(clip_id=name, fold=max(0, number - 10_000)) for number, name in enumerate(names)
    ]
    begun = time.process_time()
    assert len(keep(targets, max_clips=20)) == 20
    assert time.process_time() - begun < 2

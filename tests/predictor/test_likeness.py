from pipeline.predictor.likeness import compare_numbers


def compare(modality, numbers, **bounds):
    return [told.split(" than ")[0] for told in compare_numbers(modality, numbers, bounds)]


def test_what_lies_within_its_bounds_or_was_never_measured_is_not_told():
    assert compare("audio", {"seconds": 5.0, "loudness": -20.0}, seconds=(1.0, 5.0)) == []


def test_what_reads_the_same_is_the_same():
    assert compare("face", {"step": 0.201}, step=(0.2, 0.2)) == []
    assert compare("face", {"step": 0.21}, step=(0.2, 0.2)) == [
        "face: faces farther apart in time (0.21 s)"
    ]


def test_many_frames_with_a_face_are_no_fault():
    assert compare("face", {"share": 1.0}, share=(0.5, 0.9)) == []
    few = compare("face", {"share": 0.25}, share=(0.5, 0.9))
    assert few == ["face: fewer frames with a face (0.25 of them)"]


def test_letters_of_a_script_that_no_training_had_are_told():
    numbers = {"words": 3.0, "letters CYRILLIC": 1.0, "language ru": 1.0}
    assert compare("text", numbers, **{"letters LATIN": (1.0, 1.0)}) == [
        "text: 100 % of its letters are Cyrillic, where 99 % of what the head was trained on had "
        "0 % at most",
        "text: 100 % of its words are in language ru, where 99 % of what the head was trained on "
        "had 0 % at most",
    ]

import json
import re

import pytest

from pipeline.errors import StoreError
from pipeline.store.joint import digest_header, join_sets, list_members
from tests.stores import make_rows, write_features


@pytest.fixture
def features(tmp_path):
    for number, name in enumerate(("egemaps", "logmel", "mfcc")):
        write_features(tmp_path / name, {"a": make_rows([[float(number)]])})
    return tmp_path


def name_members(path):
    return [member.name for member in list_members(path)]


def test_a_set_has_no_members(features):
    assert list_members(features / "mfcc") == []


def test_a_joint_set_of_a_joint_set_holds_all_their_members_and_no_row(features):
    join_sets(features / "spectra", ["logmel", "mfcc"])
    join_sets(features / "sounds", ["egemaps", "spectra"])
    assert name_members(features / "sounds") == ["egemaps", "logmel", "mfcc"]
    assert [path.name for path in (features / "sounds").iterdir()] == ["joint.json"]


def test_another_member_makes_another_joint_set(features):
    join_sets(features / "spectra", ["logmel", "mfcc"])
    before = (features / "spectra" / "joint.json").read_bytes()
    write_features(features / "mfcc", {"b": make_rows([[7.0]])})
    with pytest.raises(StoreError, match=r"'mfcc' that was joined, .*`dvc repro join@spectra`"):
        list_members(features / "spectra")
    join_sets(features / "spectra", ["logmel", "mfcc"])
    assert (features / "spectra" / "joint.json").read_bytes() != before


@pytest.mark.parametrize("gone", ["gone", 300 * "a"])
def test_a_joint_set_whose_member_is_gone_says_so_itself(features, gone):
    written = {"members": {"mfcc": digest_header(features / "mfcc"), gone: "a"}}
    (features / "odd").mkdir()
    (features / "odd" / "joint.json").write_text(json.dumps(written))
    with pytest.raises(StoreError, match=rf"odd: expected the feature set '{gone}' .* got none"):
        list_members(features / "odd")


def test_what_a_member_states_beside_its_rows_counts(features):
    join_sets(features / "spectra", ["logmel", "mfcc"])
    before = (features / "spectra" / "joint.json").read_bytes()
    write_features(features / "mfcc", {"a": make_rows([[2.0]])}, views=3)
    join_sets(features / "spectra", ["logmel", "mfcc"])
    assert (features / "spectra" / "joint.json").read_bytes() != before


def test_a_member_that_is_not_there_is_named(features):
    with pytest.raises(StoreError, match=r"hubert: expected a feature set, found none; run"):
        join_sets(features / "sounds", ["mfcc", "hubert"])


def test_a_member_counts_once(features):
    join_sets(features / "spectra", ["logmel", "mfcc"])
    with pytest.raises(StoreError, match="expected each feature set once, got 'mfcc' twice"):
        join_sets(features / "sounds", ["spectra", "mfcc"])


ELSEWHERE = {"members": {"../mfcc": "a", "logmel": "b"}}


@pytest.mark.parametrize(
    "text", ["", "[]", *map(json.dumps, ({"members": {"mfcc": 3}}, {"members": {}}, ELSEWHERE))]
)
def test_a_broken_file_is_refused(features, text):
    (features / "odd").mkdir()
    (features / "odd" / "joint.json").write_text(text)
    with pytest.raises(
        StoreError, match=re.escape("odd/joint.json: expected a joint set of this version")
    ):
        list_members(features / "odd")


def test_a_member_whose_header_is_a_folder_is_refused(features):
    (features / "odd" / "store.json").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"odd: expected a feature set, found another \(Not a reg"):
        join_sets(features / "pair", ["odd", "mfcc"])

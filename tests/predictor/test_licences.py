from pathlib import Path

import pytest

from pipeline.audits.weights import Named, Place, name_detector, name_weights
from pipeline.encoders.params import MediapipeFaceParams, TorchaudioBundleParams
from pipeline.faces import mtcnn
from pipeline.faces.params import FacesParams
from pipeline.predictor.licences import find_licence, may_pass_on
from pipeline.sections import parse_section


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        *(("apache-2.0", True), ("bsd-3-clause", True), ("cc-by-nc-sa-4.0", True)),
        *(("cc0-1.0", True), ("cc-by-nd-4.0", False), ("openrail", False), ("gemma", False)),
        *(("other", False), ("unknown", False), ("mit or else", False), (None, False)),
    ],
)
def test_what_lets_copies_be_passed_on_is_known_by_name(licence: str | None, may: bool) -> None:
    assert may_pass_on(licence) is may


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: en\nlicense: Apache-2.0\n---\n# A", "apache-2.0"),
        ("---\nlicense: 'mit'\n---\n", "mit"),
        ("---\nlicense:\n- mit\n- gemma\n---\n", None),
        ("# A\n\n---\nlicense: mit\n---\n", None),  # no front matter
        ("---\nlanguage: en\n---\nlicense: mit\n", None),
    ],
)
def test_a_folder_says_its_licence_in_its_card(
    tmp_path: Path, card: str, licence: str | None
) -> None:
    (tmp_path / "README.md").write_text(card)
    assert find_licence(Named(str(tmp_path), None), Place("folder", tmp_path)) == licence


def test_a_file_beside_weights_says_their_licence_first(tmp_path: Path) -> None:
    path = tmp_path / "yunet_n_dynamic.onnx"
    path.touch()
    named = name_detector(FacesParams(detector="yunet", weights=str(path)))["faces"]
    assert find_licence(named, Place("file", path)) == "apache-2.0"
    (tmp_path / f"{path.name}.license").write_text(
        "SPDX-FileCopyrightText: 2026 Acme\n\nSPDX-License-Identifier: CC-BY-4.0\n"
    )
    assert find_licence(named, Place("file", path)) == "cc-by-4.0"


@pytest.mark.parametrize(
    ("bundle", "weights", "licence"),
    [
        ("HUBERT_BASE", None, "mit"),
        ("VOXPOPULI_ASR_BASE_10K_EN", None, "cc-by-nc-4.0"),
        ("MMS_FA", None, "cc-by-nc-4.0"),
        ("HUBERT_BASE", "own.pt", None),
    ],
)
def test_torchaudio_says_the_licence_of_its_own_bundles(
    bundle: str, weights: str | None, licence: str | None
) -> None:
    section = {"modality": "audio", "encoder": "torchaudio_bundle", "bundle": bundle}
    params = parse_section(TorchaudioBundleParams, {**section, "weights": weights}, "features.x")
    (named,) = name_weights({"x": params}).values()
    assert find_licence(named, Place("file", Path("absent.pt"))) == licence


@pytest.mark.parametrize(
    ("weights", "licence"), [("face_landmarker.task", "apache-2.0"), ("own.task", None)]
)
def test_mediapipe_says_the_licence_of_its_own_task(weights: str, licence: str | None) -> None:
    section = {"modality": "face", "encoder": "mediapipe_face", "weights": weights}
    params = parse_section(MediapipeFaceParams, section, "features.x")
    (named,) = name_weights({"x": params}).values()
    assert find_licence(named, Place("file", Path("absent.task"))) == licence


def test_weights_of_ones_own_for_mtcnn_have_no_licence_of_the_package(tmp_path: Path) -> None:
    for name in mtcnn.FILES:
        (tmp_path / name).touch()
    params = parse_section(FacesParams, {"detector": "mtcnn", "weights": str(tmp_path)}, "faces")
    (named,) = name_detector(params).values()
    assert find_licence(named, Place("folder", tmp_path)) is None


def test_terms_that_nobody_here_knows_let_nothing_be_passed_on(tmp_path: Path) -> None:
    weights = tmp_path / "own.pt"
    weights.touch()
    (tmp_path / "own.pt.license").write_text("SPDX-License-Identifier: MIT AND LicenseRef-Own\n")
    named = Named(str(weights), None, lambda: [weights], licence=lambda: "mit")
    assert find_licence(named, Place("file", weights)) is None

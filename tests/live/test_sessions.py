"""Folders of sessions that strangers bring."""

import json
import os
from pathlib import Path

import pytest
from fastapi.responses import JSONResponse

from pipeline.errors import StoreError
from pipeline.live.messages import ClientError
from pipeline.live.sessions import MOST_KEPT, Sessions

ANSWER = {
    **{"type": "answer", "seconds": 1.5, "person": 0, "emotions": {"happy": 0.75}, "ratings": {}},
    **{"dominant_emotion": "happy", "confidence": 0.75, "modalities": ["face"]},
    "latency_seconds": 0.25,
}
FACES = {"type": "faces", "seconds": 1.5, "people": []}


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


@pytest.fixture
def folder(sessions):
    """Folder of a session that has ended, with an answer, a look and the beginning of a film."""
    session = sessions.begin({"head": "beit"}, "first", record=True)
    session.add(ANSWER)
    session.add(FACES)
    session.add_recording(0.5, b"film")
    sessions.end(session)
    return sessions.folder / session.name


@pytest.mark.parametrize("kind", ["answer", "faces", "mark", "recording"])
@pytest.mark.parametrize(
    "line",
    [
        "[" * 200_000,
        '{"seconds": NaN}',
        '{"seconds": "1"}',
        '{"type": "mark", "seconds": 1, "text": "%s"}' % ("a" * 300),
        '{"type": "faces", "seconds": 1, "people": [], "of": "\\ud800"}',
        json.dumps({**ANSWER, "emotions": {"happy": float("nan")}}),
        json.dumps({**FACES, "people": "<b>"}),
    ],
)
def test_lines_that_are_no_messages_are_passed_over(sessions, folder, kind, line):
    before = sessions.open(folder.name)
    with (folder / f"{kind}.jsonl").open("a") as file:
        file.write(f"{line}\n")
    assert sessions.open(folder.name) == before
    JSONResponse([*sessions.list(), before])
    assert len(sessions.tabulate(folder.name)) == 1


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        os.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.touch() or os.truncate(path, MOST_KEPT + 1),
    ],
)
def test_what_is_no_file_of_messages_hides_no_other_session(sessions, folder, make):
    sessions.end(sessions.begin({"head": "beit"}, "second", record=False))
    (folder / "answer.jsonl").unlink()
    make(folder / "answer.jsonl")
    assert [one["title"] for one in sessions.list()] == ["second"]
    with pytest.raises(StoreError, match=r"answer.jsonl: expected .*; remove the session's folder"):
        sessions.open(folder.name)


def test_a_session_of_a_head_that_json_cannot_tell_hides_no_other(sessions, folder):
    path = folder / "session.json"
    path.write_text(path.read_text().replace('"beit"', "NaN"))
    assert sessions.list() == []


def test_a_recording_that_leads_elsewhere_is_not_shown(sessions, folder):
    film = folder / "recording.webm"
    assert sessions.find_recording(folder.name).read_bytes() == b"film"
    film.unlink()
    film.symlink_to(Path(__file__))
    with pytest.raises(ClientError, match="expected a recording, got none"):
        sessions.find_recording(folder.name)

"""The service by real requests over a real socket."""

import asyncio
import json
import struct
import time
from contextlib import suppress
from io import BytesIO

import httpx2 as httpx
import numpy as np
import psutil
import pyarrow.csv
import pytest
import websockets
from websockets.sync.client import connect

from pipeline.live import sessions
from pipeline.live.gate import Gate
from pipeline.media.audio import decode_audio
from pipeline.media.jpeg import encode_jpeg
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames
from pipeline.predictor.predictor import Predictor

HZ = 48_000


def ask(served, method, path, **options):
    return httpx.request(method, f"http://{served[0]}{path}", timeout=60, **options)


def upload(served, path, **asked):
    sent = {"file": (path.name, path.read_bytes())}
    return ask(served, "POST", "/predict", files=sent, params=asked)


def pack(kind, seconds, payload):
    return struct.pack("<B7xd", kind, seconds) + payload


def read_film(path):
    """Its frames as a camera's, and its sound in blocks of a tenth of a second."""
    frames = [
        pack(1, f.seconds, encode_jpeg(f.image, 90)) for f in read_frames(path, Sampling(5.0))
    ]
    samples = np.rint(decode_audio(path, hz=HZ) * 32767).astype("<i2")
    starts = range(0, len(samples), HZ // 10)
    return frames, [pack(2, at / HZ, samples[at : at + HZ // 10].tobytes()) for at in starts]


def converse(served, start, blocks, **options):
    """What is said while `blocks` are sent after `start`, each but sound waited for."""
    said = []
    with connect(f"ws://{served[0]}/live", **options) as socket:
        socket.send(json.dumps({"type": "start", **start}))
        said.append(json.loads(socket.recv()))
        for block in blocks:
            socket.send(block)
            if isinstance(block, bytes) and block[:1] == b"\x01":
                while said[-1]["type"] != "faces":
                    said.append(json.loads(socket.recv()))
                said.append({"type": "sent"})
        socket.send(json.dumps({"type": "stop"}))
        said += [json.loads(message) for message in socket]
    return [message for message in said if message["type"] != "sent"]


def test_an_upload_is_judged_as_the_predictor_judges_it(served, seeing):
    film = seeing.parent / "media" / "0.mp4"
    found = upload(served, film, smooth=1).json()
    assert found["rows"] == Predictor.load(seeing)(film)
    assert (found["media"], found["head"]) == ("0.mp4", "seeing")


@pytest.mark.parametrize(
    ("name", "size", "status", "told"),
    [
        ("notes.pdf", 4, 415, "notes.pdf: expected one of"),
        ("film.mp4", 4, 422, "film.mp4"),
        ("film.mp4", 1_200_000, 413, "at most 1 MB"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(served, name, size, status, told):
    answer = ask(served, "POST", "/predict", files={"file": (name, bytes(size))})
    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert "/tmp" not in answer.text


def test_a_form_without_a_file_is_told_so(served):
    answer = ask(served, "POST", "/predict", data={"other": "1"})
    assert answer.status_code == 422
    assert "expected a form with a film" in answer.json()["detail"]


def test_a_stream_is_answered_as_it_comes_and_kept(served, seeing):
    frames, sounds = read_film(seeing.parent / "media" / "1.mp4")
    blocks = [
        frames[0],
        *sounds[:5],
        frames[3],
        *sounds[5:],
        json.dumps({"type": "mark", "seconds": 0.5, "text": "=1+1"}),
    ]
    said = converse(served, {"hz": HZ, "title": "first"}, blocks)
    kinds = [message["type"] for message in said]
    assert (kinds[0], kinds[-1]) == ("ready", "stopped")
    answers = [message for message in said if message["type"] == "answer"]
    assert [answer["seconds"] for answer in answers] == [0.5, 1.0]
    assert all(answer["modalities"] == ["face", "audio"] for answer in answers)
    assert sum(answers[0]["emotions"].values()) == pytest.approx(1, abs=1e-4)
    session = said[-1]["session"]
    listed = ask(served, "GET", "/sessions").json()
    assert (listed[0]["session"], listed[0]["title"], listed[0]["answers"]) == (session, "first", 2)
    opened = ask(served, "GET", f"/sessions/{session}").json()
    assert opened["answers"] == answers
    shown = [message for message in said if message["type"] == "faces"]
    assert opened["tracks"] == [[0, len(shown)]]
    stretch = {"begin": shown[1]["seconds"], "end": 9.0}
    assert ask(served, "GET", f"/sessions/{session}/faces", params=stretch).json() == shown[1:]
    assert [mark["text"] for mark in opened["marks"]] == ["=1+1"]
    notes = {"people": {"0": "Ada"}, "excluded": [[0.0, 0.7]], "marks": opened["marks"]}
    assert ask(served, "PUT", f"/sessions/{session}/notes", json=notes).status_code == 204
    table = pyarrow.csv.read_csv(
        BytesIO(ask(served, "GET", f"/sessions/{session}/answers.csv").content)
    )
    assert table["person"].to_pylist() == ["Ada", "Ada"]
    assert table["excluded"].to_pylist() == [True, False]
    assert table["mark"].to_pylist() == ["'=1+1", ""]
    assert ask(served, "DELETE", f"/sessions/{session}").status_code == 204
    assert ask(served, "GET", f"/sessions/{session}").status_code == 404


@pytest.mark.parametrize(
    "sent", ["{}", '{"type": "stop"}', '{"type": "start", "frames": false}', b"x"]
)
def test_a_socket_that_begins_otherwise_is_told_and_closed(served, sent):
    with connect(f"ws://{served[0]}/live") as socket:
        socket.send(sent)
        assert json.loads(socket.recv())["message"].startswith("expected ")
        with pytest.raises(websockets.ConnectionClosed):
            socket.recv()


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (b"\x01", "header of 16 bytes"),
        (pack(9, 0.0, b""), "kind 9"),
        (pack(1, float("nan"), b""), "seconds from 0"),
        (pack(1, 0.0, b"no picture"), "a frame as a baseline JPEG"),
        (pack(2, 0.0, b"odd"), "samples of 16 bits"),
        (pack(2, 0.0, bytes(HZ * 2 * 2)), "0.005 to 1 s of sound in a block"),
        (pack(3, 0.0, b"webm"), "expected no recording"),
    ],
)
def test_a_block_that_is_none_ends_its_stream_alone(served, block, told):
    said = []
    with connect(f"ws://{served[0]}/live") as socket:
        socket.send(json.dumps({"type": "start", "hz": HZ}))
        socket.send(block)
        with suppress(websockets.ConnectionClosedError):
            said.extend(json.loads(message) for message in socket)
    assert said[-1]["type"] == "error"
    assert told in said[-1]["message"]
    assert ask(served, "GET", "/health").json()["status"] == "ok"


def test_more_streams_than_there_are_places_for_are_sent_away_until_one_ends(served):
    address = f"ws://{served[0]}/live"
    with connect(address), connect(address):
        with pytest.raises(websockets.InvalidStatus) as refused, connect(address):
            pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"]
        assert ask(served, "GET", "/live").status_code == 429
    while ask(served, "GET", "/live").status_code == 429:  # their sockets are being closed
        time.sleep(0.05)
    with connect(address):
        pass


def test_an_upload_beyond_the_queue_is_told_when_to_come_again(served, seeing):
    film = seeing.parent / "media" / "0.mp4"

    async def ask_together():
        async with httpx.AsyncClient(base_url=f"http://{served[0]}", timeout=60) as client:
            sent = [
                client.post("/predict", files={"file": ("0.mp4", film.read_bytes())})
                for _ in range(4)
            ]
            return await asyncio.gather(*sent)

    answers = asyncio.run(ask_together())
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    busy = next(answer for answer in answers if answer.status_code == 429)
    assert int(busy.headers["Retry-After"]) >= 1


def test_an_upload_is_sent_away_where_the_service_ends(served, seeing, monkeypatch):
    monkeypatch.setattr(served[1], "ending", True)
    film = (seeing.parent / "media" / "0.mp4").read_bytes()
    answer = ask(served, "POST", "/predict?every=1", files={"file": ("0.mp4", film)})
    assert answer.status_code == 503
    assert "one that ends" in answer.json()["detail"]


def test_strangers_are_not_let_in(served):
    assert ask(served, "GET", "/head", headers={"Host": "evil.example"}).status_code == 403
    stranger = {"Origin": "http://evil.example"}
    assert ask(served, "DELETE", "/sessions/x", headers=stranger).status_code == 403
    elsewhere = f"ws://{served[0]}/live"
    with (
        pytest.raises(websockets.InvalidStatus, match="403"),
        connect(elsewhere, origin="http://evil.example"),
    ):
        pass


def test_what_is_noted_while_a_session_is_live_stays(served):
    with connect(f"ws://{served[0]}/live") as socket:
        socket.send(json.dumps({"type": "start", "hz": HZ}))
        session = json.loads(socket.recv())["session"]
        for text in ("one", "two"):
            socket.send(json.dumps({"type": "mark", "seconds": 1.0, "text": text}))
            while read_marks(served, session)[-1:] != [text]:
                time.sleep(0.02)
            notes = {"title": "told", "marks": [{"seconds": 1.0, "text": text}]}
            assert ask(served, "PUT", f"/sessions/{session}/notes", json=notes).status_code == 204
        assert ask(served, "DELETE", f"/sessions/{session}").status_code == 409
    opened = ask(served, "GET", f"/sessions/{session}").json()
    assert (opened["title"], [mark["text"] for mark in opened["marks"]]) == ("told", ["two"])


def test_a_recording_that_grows_while_it_is_read_comes_whole(served):
    part = pack(3, 0.0, bytes(900_000))
    with connect(f"ws://{served[0]}/live") as socket:
        socket.send(json.dumps({"type": "start", "record": True}))
        session = json.loads(socket.recv())["session"]
        film = served[1].find_sessions().folder / session / "recording.webm"
        send_parts(socket, film, [part] * 20)
        with httpx.stream("GET", f"http://{served[0]}/sessions/{session}/recording") as answer:
            send_parts(socket, film, [part])
            assert len(answer.read()) >= 900_000 * 20


def send_parts(socket, film, parts):
    """Send them, and wait until they are kept."""
    size = film.stat().st_size + sum(len(part) - 16 for part in parts)
    for part in parts:
        socket.send(part)
    while film.stat().st_size < size:
        time.sleep(0.02)


def test_marks_without_end_end_their_stream(served, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_NOTES", 2)
    marks = [json.dumps({"type": "mark", "seconds": float(at)}) for at in range(3)]
    with connect(f"ws://{served[0]}/live") as socket:
        socket.send(json.dumps({"type": "start", "hz": HZ}))
        for mark in marks:
            socket.send(mark)
        assert json.loads(socket.recv())["type"] == "ready"
        assert "expected at most 2 marks" in json.loads(socket.recv())["message"]


def test_a_frame_of_more_pixels_than_full_hd_ends_its_stream(served):
    image = np.zeros((2**21 // 1024 + 1, 1024, 3), np.uint8)
    with connect(f"ws://{served[0]}/live") as socket:
        socket.send(json.dumps({"type": "start"}))
        socket.send(pack(1, 0.0, encode_jpeg(image, 50)))
        assert json.loads(socket.recv())["type"] == "ready"
        assert "at most 2,097,152 pixels" in json.loads(socket.recv())["message"]


def read_marks(served, session):
    opened = ask(served, "GET", f"/sessions/{session}").json()
    return [mark["text"] for mark in opened["marks"]]


def test_a_damaged_session_hides_no_other(served):
    folder = served[1].find_sessions().folder / "20260101-000000-0000"
    folder.mkdir()
    (folder / "session.json").write_text("{}")
    assert ask(served, "GET", "/sessions").status_code == 200
    assert ask(served, "GET", f"/sessions/{folder.name}").status_code == 500
    (folder / "session.json").unlink()


@pytest.mark.parametrize(
    ("notes", "told"),
    [({"k": 0}, "k: Extra inputs"), ({"excluded": [[2.0, 1.0]]}, "ends after it begins")],
)
def test_notes_of_another_form_are_told_so(served, notes, told):
    answer = ask(served, "PUT", "/sessions/20260101-000000-0000/notes", json=notes)
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True)


def test_a_body_that_is_no_upload_is_small(served):
    answer = ask(served, "PUT", "/sessions/x/notes", content=bytes(2**20 + 1))
    assert answer.status_code == 413


@pytest.mark.runs
def test_a_process_that_dies_is_begun_anew(served, seeing):
    service = served[1]
    psutil.Process(service.worker._process.pid).kill()
    film = seeing.parent / "media" / "0.mp4"
    assert [upload(served, film).status_code for _ in range(2)] == [422, 200]


def test_who_has_the_token_is_let_in(seeing):
    told = []

    async def tell(scope, receive, send):
        told.append(scope["path"])

    gate = Gate(tell, token="secret-of-sixteen", most_bytes=1)
    server = {"server": ("127.0.0.1", 80), "method": "GET", "type": "http"}

    def knock(path, query=b"", **headers):
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {**server, "path": path, "query_string": query, "headers": given}
        sent = []

        async def send(message):
            sent.append(message)

        asyncio.run(gate(scope, None, send))
        return sent[0]["status"] if sent else "in"

    assert knock("/head") == 401
    assert knock("/head", authorization="bearer secret-of-sixteen") == "in"
    assert knock("/head", cookie='x={"y"}; moodline-80=secret-of-sixteen') == "in"
    assert knock("/head", cookie="moodline-81=secret-of-sixteen") == 401
    assert knock("/", b"token=secret-of-sixteen") == 303
    assert knock("/", b"token=another") == 401
    assert knock("/health") == "in"


def test_how_it_fares_is_told_to_prometheus(served):
    ask(served, "POST", "/predict", files={"file": ("notes.pdf", b"")})
    told = ask(served, "GET", "/metrics").text
    assert "moodline_live_latency_seconds_bucket" in told
    assert 'moodline_frames_total{fate="judged"}' in told
    assert 'moodline_predictions_total{status="415"}' in told


def test_pages_ask_nobody_else(served):
    for path in ("/", "/docs"):
        page = ask(served, "GET", path)
        assert page.status_code == 200
        assert "https://" not in page.text
    assert "nonce-" in ask(served, "GET", "/").headers["Content-Security-Policy"]

"""What is no media, whatever it is called, is not opened, and leads to no other file."""

import os
import socket
from io import BytesIO

import pytest

from pipeline.errors import MediaError
from pipeline.media.probe import probe_media
from pipeline.media.sampling import Sampling
from pipeline.media.streams import open_media
from pipeline.media.video import read_frames
from tests.makers import grey_frames, write_video

NOTE = "A private note that is no picture.\n" * 40

LEADING = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:{victim}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile file:{victim}\n",
    "list.mpd": "<MPD><Period><AdaptationSet><Representation><BaseURL>{victim}</BaseURL>"
    "</Representation></AdaptationSet></Period></MPD>",
    "note.txt": NOTE,
    "note.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "note.srt": "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
    "note.ffmetadata": ";FFMETADATA1\ntitle=x\n",
}


@pytest.mark.parametrize("name", LEADING)
@pytest.mark.parametrize("suffix", ["", ".mp4", ".avi"])
def test_what_leads_elsewhere_or_is_text_is_not_opened(tmp_path, name, suffix):
    victim = write_video(tmp_path / "victim.mp4", grey_frames(5))
    path = tmp_path / (name + suffix)
    path.write_text(LEADING[name].format(victim=victim))
    with pytest.raises(MediaError, match=r"unreadable: expected a (format|media file)"):
        probe_media(path)


@pytest.mark.parametrize("name", LEADING)
def test_nor_are_its_bytes(tmp_path, name):
    victim = write_video(tmp_path / "victim.mp4", grey_frames(5))
    text = LEADING[name].format(victim=victim)
    with pytest.raises(MediaError, match="unreadable"), open_media(BytesIO(text.encode())):
        pass


def test_a_folder_named_as_a_protocol_asks_nobody(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        path = tmp_path / "http:" / f"127.0.0.1:{server.getsockname()[1]}" / "a.mp4"
        write_video(path.parent.mkdir(parents=True) or path, grey_frames(5))
        assert len(list(read_frames(path.relative_to(tmp_path), Sampling()))) == 5
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path):
    for number in range(3):
        write_video(tmp_path / "b.mp4", grey_frames(1)).rename(tmp_path / f"a{number}.png")
    with pytest.raises(MediaError, match="expected a file, the system says"):
        open_media(tmp_path / "a%d.png").__enter__()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_only_files_are_opened(tmp_path, make):
    make(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="expected a file, got a folder, a pipe or a device"):
        open_media(tmp_path / "a.mp4").__enter__()


@pytest.mark.parametrize("name", ["clip.Y", "note.xface"])
def test_no_picture_opens_the_files_beside_it_or_draws_text(tmp_path, name):
    (tmp_path / "note.txt").write_text(NOTE)
    for plane in ("clip.U", "clip.V"):
        os.mkfifo(tmp_path / plane)
    (tmp_path / name).write_bytes((NOTE * 80).encode()[: 352 * 288])
    with pytest.raises(MediaError, match="unreadable"):
        open_media(tmp_path / name).__enter__()

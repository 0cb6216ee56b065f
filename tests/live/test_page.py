"""The live page in Chromium, whose camera and microphone play a film of the demo.

Chromium is Debian's, or the one that MOODLINE_CHROMIUM names: Playwright's own gives no camera.
"""

import csv
import json
import os
import re
import shutil
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import av
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from websockets.sync.client import connect

from pipeline.live.page import render_live_page
from pipeline.live.service import Service
from pipeline.live.sessions import Sessions
from pipeline.predictor.gathering import gather_media
from pipeline.predictor.predictor import Predictor
from pipeline.predictor.results import Asked, write_results

CHROMIUM = os.environ.get("MOODLINE_CHROMIUM") or shutil.which("chromium")

pytestmark = [
    pytest.mark.runs,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: MOODLINE_CHROMIUM"),
]

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}

UNITS = {
    **{"head": "units", "emotions": [], "ratings": ["au1", "au12"], "modalities": ["face"]},
    **{"window_seconds": 1.0, "hop_seconds": 0.5, "rate_hz": 5.0, "frame_pixels": 640},
    **{"records": True, "megabytes": 200},
}
"""How a head of action units alone is described."""

REFUSED = """navigator.mediaDevices.getUserMedia = (wanted) =>
    Promise.reject(new DOMException("", "NotAllowedError"));"""
NO_CAMERA = """const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wanted) => wanted.video
        ? Promise.reject(new DOMException("", "NotFoundError")) : real(wanted);"""
INSECURE = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"
"""What a browser does without leave, without a camera, and without a secure address."""


@pytest.fixture(scope="module")
def address(served: tuple[str, Service]) -> str:
    """Where the page is."""
    return f"http://{served[0]}/"


@pytest.fixture
def kept(served: tuple[str, Service]) -> Sessions:
    """The sessions of the service."""
    return served[1].find_sessions()


@pytest.fixture(scope="module")
def browser(seeing: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with a camera and a microphone that play the first film again and again."""
    root = tmp_path_factory.mktemp("devices")
    with av.open(str(seeing.parent / "media" / "0.mp4")) as film:
        write_pictures(film, root / "camera.y4m")
        film.seek(0)
        write_sound(film, root / "microphone.wav")
    flags = [
        "--headless=new",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={root / 'camera.y4m'}",
        f"--use-file-for-fake-audio-capture={root / 'microphone.wav'}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


def write_pictures(film: av.container.InputContainer, path: Path) -> None:
    with av.open(str(path), "w", format="yuv4mpegpipe") as out:
        pictures = film.streams.video[0]
        stream = out.add_stream("rawvideo", rate=pictures.average_rate)
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        for frame in film.decode(video=0):
            out.mux(stream.encode(frame.reformat(format="yuv420p")))


def write_sound(film: av.container.InputContainer, path: Path) -> None:
    resampler = av.AudioResampler("s16", "mono", 48_000)
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        for frame in film.decode(audio=0):
            for part in resampler.resample(frame):
                out.writeframes(part.to_ndarray().tobytes())


class Visits:
    """Views of the page, and what went wrong in them: errors, or requests to anyone else."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.wrong: list[str] = []
        self._browser = browser

    def open(self, view: str, script: str = "") -> Page:
        """The page at a view, in a browser that runs `script` before it."""
        page = self._browser.new_page(viewport=DESK)
        page.set_default_timeout(8_000)
        page.add_init_script(script)
        page.on("console", lambda told: told.type == "error" and self.wrong.append(told.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.goto(f"{self.address}#/{view}")
        return page

    def _note(self, url: str) -> None:
        if not url.removeprefix("blob:").startswith(self.address):
            self.wrong.append(url)


@pytest.fixture
def visits(browser: Browser, address: str) -> Iterator[Visits]:
    """Visits in which nothing went wrong."""
    visits = Visits(browser, address)
    yield visits
    for context in browser.contexts:
        context.close()
    assert visits.wrong == []


@contextmanager
def going_live(page: Page) -> Iterator[None]:
    """While the page is live, from a first answer on."""
    page.click("#start")
    page.wait_for_selector("#dot[visibility=visible], #facts .face", state="attached")
    yield
    page.click("#stop")
    page.wait_for_selector("#state[data-state=off]")


@pytest.fixture(scope="module")
def session(browser: Browser, address: str) -> str:
    """Name of a session of some seconds, with a mark at which somebody laughs."""
    page = browser.new_page()
    page.goto(address)
    with going_live(page):
        page.keyboard.press("m")
        page.keyboard.type("laughs")
        page.keyboard.press("Enter")
        page.wait_for_timeout(1500)
    link = page.get_attribute("#state a", "href")
    page.close()
    return link.removeprefix("#/sessions/")


def check_access(page: Page) -> None:
    """Axe finds nothing serious, by day at a desk and by night on a phone; nothing is cut off."""
    for size, scheme in ((DESK, "light"), (PHONE, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"]) for one in found if is_serious(one)] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.set_viewport_size(DESK)


def is_serious(violation: dict) -> bool:
    return violation["impact"] in ("serious", "critical")


def read_shares(page: Page) -> list[str]:
    return page.locator("#shares .value").all_inner_texts()


def place_of(timeline: Locator, share: float) -> dict[str, float]:
    """Where on the timeline such a share of the time has gone by."""
    box = timeline.locator("#ticks").bounding_box()
    own = timeline.bounding_box()
    return {"x": box["x"] - own["x"] + share * box["width"], "y": 40}


def fetch_session(address: str, session: str) -> dict:
    with urlopen(f"{address}sessions/{session}") as response:
        return json.load(response)


def test_before_anything_is_there_the_page_says_so(visits):
    page = visits.open("live")
    assert page.inner_text("#empty") == "Off. Start asks for camera and microphone."
    assert set(read_shares(page)) == {"–"}
    check_access(page)
    page.click("text=Sessions")
    expect(page.locator("#none")).to_contain_text("No sessions yet.")


def test_what_is_live_moves_and_is_at_hand_as_a_table(visits):
    page = visits.open("live")
    with going_live(page):
        first = read_shares(page)
        page.wait_for_selector("#boxes .chosen")
        box, film = (page.locator(name).bounding_box() for name in ("#boxes .chosen", "#film"))
        assert film["x"] < box["x"] + box["width"] / 2 < film["x"] + film["width"]
        page.wait_for_function(  # more answers have come
            "() => document.querySelectorAll('#trail line').length > 1", polling=100
        )
        assert read_shares(page) != first
        check_access(page)
        with page.expect_download() as download:
            page.click("#live .export")
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert "face+audio" in {row["modalities"] for row in rows}
    assert float(rows[0]["seconds"]) % 0.5 == pytest.approx(0, abs=0.05)


def test_the_clock_stands_still_in_a_pause(visits):
    page = visits.open("live")
    with going_live(page):
        page.keyboard.press("p")
        page.wait_for_selector("#state[data-state=paused]")
        page.wait_for_timeout(200)  # what was under way is answered
        when = page.inner_text("#when")
        page.wait_for_timeout(900)
        assert page.inner_text("#when") == when
        page.keyboard.press(" ")
        expect(page.locator("#when")).not_to_have_text(when)


def test_a_session_opens_again_and_a_click_goes_to_its_time(visits, session):
    page = visits.open(f"sessions/{session}")
    assert page.locator("#marks input").input_value() == "laughs"
    player = page.locator("#player")
    expect(player).to_have_js_property("readyState", 4)
    page.locator("#over").click(position=place_of(page.locator("#over"), 0.5))
    length = float(page.get_attribute("#over", "aria-valuemax"))
    at = player.evaluate("player => player.currentTime")
    assert at == pytest.approx(length / 2, abs=0.3)
    assert float(page.get_attribute("#over", "aria-valuenow")) == pytest.approx(length / 2, abs=0.1)
    expect(page.locator("#boxes .chosen")).to_have_text("person 0")
    player.evaluate("player => player.play()")
    expect(page.locator("#over")).not_to_have_attribute("aria-valuenow", f"{length / 2:.2f}")
    check_access(page)


def test_notes_on_a_session_are_kept(visits, session):
    page = visits.open(f"sessions/{session}")
    page.focus("#over")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.press("x")
    page.fill("#people input >> nth=0", "Ada")
    page.fill("#title", "at the window")
    expect(page.locator("#saved")).to_have_text("saved")
    kept = fetch_session(visits.address, session)
    assert kept["excluded"] == [[0, kept["seconds"]]]
    assert (kept["title"], kept["people"]) == ("at the window", {"0": "Ada"})
    page.reload()
    expect(page.locator("#boxes .chosen, #lanes .what >> nth=-1").first).to_be_visible()
    assert page.locator("#excluded li").count() == 1
    assert page.input_value("#title") == "at the window"


def test_a_session_is_deleted_after_a_question(visits, kept):
    begun = kept.begin(UNITS, "", record=False)
    kept.end(begun)
    page = visits.open(f"sessions/{begun.name}")
    page.click("#delete")
    page.click("dialog >> text=Keep it")
    assert (kept.folder / begun.name).exists()
    page.click("#delete")
    page.click("dialog button >> text=Delete")
    page.wait_for_url("**/#/sessions")
    assert not (kept.folder / begun.name).exists()


def test_a_head_of_action_units_alone_shows_these(visits, kept):
    begun = kept.begin(UNITS, "", record=False)
    for number in range(5):
        ratings = {"au1": number / 5, "au12": None}
        answer = {"seconds": 0.5 * number, "person": 0, "emotions": {}, "ratings": ratings}
        blank = {"dominant_emotion": None, "confidence": None, "modalities": ["face"]}
        blank["latency_seconds"] = 0.01
        begun.add({"type": "answer", **answer, **blank})
    kept.end(begun)
    page = visits.open(f"sessions/{begun.name}")
    page.focus("#over")
    page.keyboard.press("End")
    assert page.locator("#ratings .value").all_inner_texts() == ["0.80", "–"]
    assert page.locator("#shares li, #plane svg:visible, .band").count() == 0
    assert page.locator(".curve").count() == 1


def test_a_file_plays_beside_its_answers(visits, seeing):
    page = visits.open("file")
    page.fill("#hop", "0.2")
    page.set_input_files("#chosen", seeing.parent / "media" / "0.mp4")
    page.wait_for_selector("#cursor", timeout=60_000)  # its process may still be loading
    expect(page.locator("#player")).to_have_js_property("readyState", 4)
    page.locator("#over").click(position=place_of(page.locator("#over"), 0.7))
    at = page.locator("#player").evaluate("player => player.currentTime")
    assert at == pytest.approx(0.7, abs=0.05)
    assert page.inner_text("#when").startswith("0:00.7")
    assert max(map(float, read_shares(page))) > 0.2
    check_access(page)


def test_what_is_no_medium_is_refused_in_a_sentence(visits):
    page = visits.open("file")
    file = {"name": "a.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"}
    page.set_input_files("#chosen", file)
    expect(page.locator("#notice")).to_contain_text("a.exe: expected one of")
    visits.wrong = [text for text in visits.wrong if "415" not in text]


def test_who_finds_no_place_is_told_when_to_try_again(visits, served):
    page = visits.open("live")
    with connect(f"ws://{served[0]}/live"), connect(f"ws://{served[0]}/live"):
        page.click("#start")
        expect(page.locator("#notice")).to_contain_text("try again in 30 s")
        assert page.is_visible("#start")
    visits.wrong = [text for text in visits.wrong if "429" not in text]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (REFUSED, "This page may not use camera and microphone"),
        (INSECURE, "Browsers give camera and microphone to secure pages alone"),
    ],
    ids=["refused", "insecure"],
)
def test_where_the_browser_gives_nothing_the_page_says_why(visits, script, told):
    page = visits.open("live", script)
    page.click("#start")
    expect(page.locator("#notice")).to_contain_text(told)
    assert page.is_enabled("#start")


def test_without_a_camera_the_microphone_goes_on_alone(visits):
    page = visits.open("live", NO_CAMERA)
    with going_live(page):
        expect(page.locator("#facts .audio")).to_have_text("audio")
        assert page.inner_text("#facts .face") == "no face"
        expect(page.locator("#notice")).to_contain_text("By the microphone alone")


def test_a_stream_goes_on_when_the_service_was_away(visits):
    page = visits.open("about:blank")
    sockets = []
    page.route_web_socket(re.compile("/live$"), lambda socket: sockets.append(lead_on(socket)))
    page.goto(visits.address)
    with going_live(page):
        before = page.locator("#when").inner_text()
        sockets[0].close()
        expect(page.locator("#notice")).to_contain_text("trying again in 1 s")
        page.wait_for_selector("#state[data-state=on]")
        expect(page.locator("#when")).not_to_have_text(before)
    assert len(sockets) == 2
    told = ("426", "already in CLOSING")  # why it is not there; Playwright's own end of the socket
    visits.wrong = [text for text in visits.wrong if not any(one in text for one in told)]


def lead_on(socket):
    """The page's end of a socket that is led on to the service."""
    socket.connect_to_server()
    return socket


def test_nothing_of_the_head_is_markup():
    page = render_live_page({**UNITS, "head": "<script>alert(1)</script>"}, "abc")
    assert not re.search(r"<script>alert|alert\(1\)</script>", page)
    assert page.count('nonce="abc"') == 2
    assert "https://" not in page
    assert not re.search(r"\son\w+=", page)


@pytest.fixture(scope="module")
def predicted(seeing: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of the page of a film that the head has judged."""
    out = tmp_path_factory.mktemp("predicted")
    predictor = Predictor.load(seeing)
    clips = gather_media([str(seeing.parent / "media" / "0.mp4")])
    list(write_results(predictor, clips, out, Asked(predictor.space(every=3))))
    return (out / "0" / "seeing.html").as_uri()


def test_a_page_of_predictions_goes_along_with_its_film(browser, predicted):
    page, wrong = browser.new_page(viewport=DESK), []
    page.on("console", lambda told: told.type == "error" and wrong.append(told.text))
    page.on("request", lambda request: request.url[:4] == "http" and wrong.append(request.url))
    page.goto(predicted)
    page.wait_for_function("document.getElementById('player').readyState > 1")
    before = page.locator("#now .value, .bars .value").all_inner_texts()
    lane = page.locator("#over .lane svg").first.bounding_box()
    page.mouse.click(lane["x"] + 0.75 * lane["width"], lane["y"] + 5)
    page.wait_for_function("document.getElementById('player').currentTime > 0.5")
    assert page.evaluate("document.getElementById('player').currentTime") == pytest.approx(
        0.75, abs=0.1
    )
    assert page.locator("#now .value, .bars .value").all_inner_texts() != before
    check_access(page)
    page.close()
    assert wrong == []

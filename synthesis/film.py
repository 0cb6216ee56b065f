"""Filming: a take of the script → the frames and the sound of its clip."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from synthesis.face import Pose, draw_head, move_points
from synthesis.movie import FPS
from synthesis.portrait import recolour
from synthesis.scenery import (
    Picture,
    Room,
    draw_book,
    draw_clothes,
    draw_room,
    light_picture,
)
from synthesis.script import Take
from synthesis.voice import HZ, speak


@dataclass(frozen=True)
class Footage:
    """RGB frames at FPS and mono sound at HZ of one clip."""

    frames: UInt8[np.ndarray, "frames side side 3"]
    samples: Float[np.ndarray, " samples"]


def film_take(take: Take) -> Footage:
    """Footage of `take`, the same each time."""
    rng = np.random.default_rng(take.seed)
    speech = speak(take.person.throat, take.voice, take.seconds, rng)
    times = np.arange(round(take.seconds * FPS)) / FPS
    loudness = speech.loudness[(times * HZ).astype(int)]
    return Footage(_film_face(take, times, loudness, rng), _record(speech.samples, take, rng))


def _film_face(
    take: Take,
    times: Float[np.ndarray, " frames"],
    loudness: Float[np.ndarray, " frames"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "frames side side 3"]:
    texture = recolour(take.person.colours)
    backdrop = draw_room(take.person.room)
    poses = _move_head(take, times, rng)
    blink_at = rng.uniform(0, take.seconds)
    frames = []
    for seconds, loud, pose in zip(times, loudness, poses, strict=True):
        moves = {
            **take.person.features,
            "valence": take.face.valence,
            "arousal": take.face.arousal,
            "opening": (0.3 + 0.25 * take.face.arousal) * loud,
            "blink": float(np.exp(-(((seconds - blink_at) / 0.06) ** 2))),
        }
        head = draw_head(texture, move_points(moves, pose))
        picture = _compose(head, backdrop, take.person.room)
        raised = raise_book(seconds / take.seconds, take.hidden)
        frames.append(draw_book(picture, raised, take.person.room.clothes))
    return (np.stack(frames) * 255).round().astype(np.uint8)


def _compose(head: Float[np.ndarray, "side side 4"], backdrop: Picture, room: Room) -> Picture:
    """The head before the room, in its clothes and its light."""
    picture = head[..., :3] + (1 - head[..., 3:]) * backdrop
    return light_picture(draw_clothes(picture, room), room.light_from)


def _move_head(
    take: Take, times: Float[np.ndarray, " frames"], rng: np.random.Generator
) -> list[Pose]:
    """Head at each time: it sways, wider and faster with arousal."""
    reach = 1.6 + 1.2 * take.face.arousal
    phase = rng.uniform(0, 2 * np.pi, 3)
    pace = 2 * np.pi * rng.uniform(0.3, 0.6, 3) * (1 + 0.4 * take.face.arousal)
    home = rng.normal(0, 2.0, 2)
    waves = reach * np.sin(times[:, None] * pace + phase)
    return [Pose(shift=(home[0] + 1.5 * x, home[1] + y), tilt=1.2 * turn) for x, y, turn in waves]


def raise_book(share: float, hidden: tuple[float, float] | None) -> float:
    """How far up the book is, `share` of the way through the clip; it takes 0.15 of it to rise."""
    if hidden is None:
        return 0.0
    return float(np.clip(min(share - hidden[0], hidden[1] - share) / 0.15, 0, 1))


def _record(
    samples: Float[np.ndarray, " samples"], take: Take, rng: np.random.Generator
) -> Float[np.ndarray, " samples"]:
    """Sound as a microphone takes it: at a level that says nothing, in a room that hisses."""
    level = 0.08 * 10 ** rng.uniform(-0.4, 0.4)
    voice = take.voice_share * samples / np.sqrt(np.mean(samples**2))
    noise = 0.03 * rng.standard_normal(len(samples))
    return np.asarray(np.clip(level * (voice + noise), -1, 1))

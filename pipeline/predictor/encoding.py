"""Encoding: rows of what lies in memory, by encoders that stay there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float, Float32

from pipeline.encoders.contract import Encoder
from pipeline.encoders.params import FeatureParams
from pipeline.errors import ParamsError
from pipeline.extraction.source import DTYPE, describe_rows, lower_rate, make_encoder
from pipeline.heads.recipes import Recipe
from pipeline.media.inputs import stretch_frames
from pipeline.predictor.making import Making
from pipeline.predictor.watching import Image
from pipeline.rows import FrameRun, Frames, Rows, Waveform

FrameId = tuple[int, int]
"""Number of a frame of a stream, and of the track that a crop of it shows; NOBODY of a scene."""

EncodedFrames = dict[FrameId, tuple[Float32[np.ndarray, "*row"], bool]]
"""Frame → its row, and whether that stands for anything; of an encoder that looks at each alone."""

Picture = tuple[FrameId, float, Image, Float[np.ndarray, "5 2"] | None]
"""Its name, its second in a stretch, the picture, and points of the face if it is one."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of a stretch with their names, as an encoder of faces or scenes is given them."""

    frames: Frames
    ids: Sequence[FrameId]

    @classmethod
    def of(cls, shown: Sequence[Picture]) -> "Pictures":
        """Those of a stretch."""
        ids, seconds, images, points = zip(*shown, strict=True)
        starts, ends = stretch_frames(np.array(seconds))
        marked = None if points[0] is None else np.stack(points)
        return cls(Frames(np.stack(images), starts, ends, marked), ids)

    def keep(self, places: Sequence[int]) -> Frames:
        """The pictures of these numbers."""
        whole = self.frames
        seen = None if whole.landmarks is None else whole.landmarks[places]
        return Frames(
            whole.images[places], whole.start_seconds[places], whole.end_seconds[places], seen
        )


@dataclass(frozen=True)
class HeldEncoder:
    """An encoder in memory, and what its feature set asks of it."""

    params: FeatureParams
    encoder: Encoder

    def encode_sound(self, sound: Waveform) -> Rows:
        """Rows of a stretch of sound, as a store would have them."""
        return self._store(self.encoder.encode([sound])[0])

    def encode_pictures(self, pictures: Pictures, known: EncodedFrames) -> Rows:
        """Rows of a stretch of pictures, as a store would have them.

        Those that an encoder looks at one by one are encoded once: `known` are those that were, and
        forgets those that are in the stretch no more.
        """
        if getattr(self.encoder, "run", None) != FrameRun():
            return self._store(self.encoder.encode([pictures.frames])[0])
        new = [place for place, name in enumerate(pictures.ids) if name not in known]
        if new:
            (rows,) = self.encoder.encode([pictures.keep(new)])
            found = zip(rows.embedding, rows.valid.tolist(), strict=True)
            known.update(zip((pictures.ids[place] for place in new), found, strict=True))
        for name in known.keys() - set(pictures.ids):
            del known[name]
        embedding = np.stack([known[name][0] for name in pictures.ids])
        valid = np.array([known[name][1] for name in pictures.ids])
        whole = pictures.frames
        return self._store(Rows(embedding, whole.start_seconds, whole.end_seconds, valid))

    def _store(self, rows: Rows) -> Rows:
        kept = lower_rate(rows, self.params)
        stored = kept.embedding.astype(DTYPE)
        return Rows(stored, kept.start_seconds, kept.end_seconds, kept.valid)


def hold_encoders(recipe: Recipe, making: Making) -> dict[str, HeldEncoder]:
    """Encoders of the streams that the head with this recipe reads, but for those of words.

    Raises StoreError where rows would be others than the head's own, and ParamsError where weights
    are not here, or where it reads words alone.
    """
    held = {}
    for stream, source in recipe.inputs.items():
        params = making.features[source.name]
        if params.modality != "text":
            encoder = cast(Encoder, make_encoder(params, params.device))
            media = making.describe_media(params.modality)
            making.check(source.name, describe_rows(params, encoder, media).to_json())
            held[stream] = HeldEncoder(params, encoder)
    if not held:
        raise ParamsError(
            f"{recipe.head}: expected a head that sees or hears, got one that reads words alone; "
            f"choose another"
        )
    return held

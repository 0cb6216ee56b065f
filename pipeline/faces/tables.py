"""The tables of a video's people: their crops, all that was seen of them, and whole frames."""

import pyarrow as pa

_PLACE = [
    ("clip_id", pa.string()),
    ("frame", pa.int64()),
    ("seconds", pa.float64()),
]

_FACE = [
    ("box", pa.list_(pa.float32(), 4)),
    ("score", pa.float32()),
    ("landmarks", pa.list_(pa.float32(), 10)),
    ("track", pa.int64()),
    ("marks", pa.string()),
]

FACE_SCHEMA = pa.schema(
    [
        *_PLACE,
        ("jpeg", pa.binary()),
        *_FACE,
        *((name, pa.float32()) for name in ("sharpness", "brightness", "yaw", "pitch", "roll")),
        ("size", pa.float32()),
    ]
)
"""One row per frame that shows the person chosen.

Boxes and landmarks are in pixels of the upright frame, marks are parted by commas, and the rest
is the crop's `quality.Quality`.
"""

TRACK_SCHEMA = pa.schema([*_PLACE, *_FACE])
"""One row per person and frame, chosen or not."""

SCENE_SCHEMA = pa.schema([*_PLACE, ("jpeg", pa.binary())])
"""One row per sampled frame, whole."""

SCHEMAS = {"face": FACE_SCHEMA, "scene": SCENE_SCHEMA, "tracks": TRACK_SCHEMA}
"""Store → its table."""

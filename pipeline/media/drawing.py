"""Drawing: decoded frames as a player shows them, in RGB."""

import math
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, cast

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import Colorspace
from jaxtyping import UInt8
from PIL import ExifTags, Image

from pipeline.errors import MediaError
from pipeline.limits import MOST_PIXELS, MOST_RATIO

SQUARE_SHARE = 0.01
"""Pixels this much wider or narrower than square are left alone: a remainder of encoders."""

UNNAMED_MATRICES = frozenset({2, 3})
"""FFmpeg's numbers for a colour matrix that the file leaves open, or reserves."""


class Shown(NamedTuple):
    """A decoded frame, and its neighbours in the file."""

    frame: av.VideoFrame
    before: av.VideoFrame | None
    after: av.VideoFrame | None


Matrix = tuple[float, float, float, float]


def with_neighbours(
    decoded: Iterator[tuple[float, av.VideoFrame]],
) -> Iterator[tuple[float, float, Shown]]:
    """Each of the `decoded` with the time of the next; raises what they raise, after the last."""
    before, held, broken = None, None, None
    try:
        for seconds, frame in decoded:
            if held is not None:
                yield held[0], seconds, Shown(held[1], before, frame)
                before = held[1]
            held = (seconds, frame)
    except MediaError as error:
        broken = error
    if held is not None:
        yield held[0], math.inf if broken is None else held[0], Shown(held[1], before, None)
    if broken is not None:
        raise broken


def draw_frame(shown: Shown, pixel_ratio: Fraction) -> UInt8[np.ndarray, "height width 3"]:
    """Image of a frame whose pixels are `pixel_ratio` as wide as high, in square ones.

    Raises MediaError `undecodable` where these are more than MOST_PIXELS, or a line, or do not
    convert.
    """
    width, height = _square_width(shown.frame.width, pixel_ratio), shown.frame.height
    if width * height > MOST_PIXELS:
        told = f"expected at most {MOST_PIXELS:,} square pixels, got {width:,} in a row"
        raise MediaError("undecodable", f"{told}; replace the file")
    if max(width, height) > MOST_RATIO * min(width, height):
        told = f"expected pictures, got lines of {width:,} x {height:,} square pixels"
        raise MediaError("undecodable", f"{told}; replace the file")
    try:
        frame = _deinterlace(shown)
        picture = frame.reformat(
            width=width,
            format="rgb24",
            src_colorspace=_guess_matrix(frame),
            threads=1,  # worker processes already fill the cores
        )
    except av.FFmpegError as error:
        raise MediaError(
            "undecodable",
            f"expected pictures that convert to RGB, got {shown.frame.format.name} with colour "
            f"matrix {shown.frame.colorspace}, FFmpeg says {error.strerror!r}; convert the file",
        ) from error
    return picture.to_ndarray()


def _deinterlace(shown: Shown) -> av.VideoFrame:
    """The frame at the moment of its first field, or as it is where it has no fields."""
    frame = shown.frame
    if not frame.interlaced_frame:
        return frame
    size = (frame.width, frame.height, frame.format.name)
    near = [
        other
        for other in (shown.before, frame, shown.after)
        if other is not None and (other.width, other.height, other.format.name) == size
    ]
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame"), graph.add("buffersink"))
    graph.configure()
    for other in (*near, None):
        graph.vpush(other)
    return [graph.vpull() for _ in near[: near.index(frame) + 1]][-1]


def _square_width(width: int, pixel_ratio: Fraction) -> int:
    return width if abs(pixel_ratio - 1) < SQUARE_SHARE else max(round(width * pixel_ratio), 1)


def _guess_matrix(frame: av.VideoFrame) -> Colorspace | None:
    """What players take for a colour matrix that the file leaves open, None where it does not."""
    if frame.colorspace not in UNNAMED_MATRICES:
        return None
    is_large = frame.width >= 1280 or frame.height > 576
    return Colorspace.ITU709 if is_large else Colorspace.ITU601


UPRIGHT = (1.0, 0.0, 0.0, 1.0)

ORIENTATIONS: dict[int, Matrix] = {
    1: UPRIGHT,
    2: (-1.0, 0.0, 0.0, 1.0),
    3: (-1.0, 0.0, 0.0, -1.0),
    4: (1.0, 0.0, 0.0, -1.0),
    5: (0.0, 1.0, 1.0, 0.0),
    6: (0.0, 1.0, -1.0, 0.0),
    7: (0.0, -1.0, -1.0, 0.0),
    8: (0.0, -1.0, 1.0, 0.0),
}
"""EXIF's number for how a camera was held (CIPA DC-008, tag 274) → display matrix."""


def display_matrix(frame: av.VideoFrame, path: Path) -> Matrix:
    """Where a step along the rows, then one along the columns, of a picture stored at `path` leads.

    Read once for a file: a frame that was asked for its side data lives until garbage is collected.
    """
    try:
        stored = cast(SideDataContainer, frame.side_data)["DISPLAYMATRIX"]
    except KeyError:
        return UPRIGHT
    except ValueError:  # PyAV knows no EXIF, and then gives nothing at all but an angle
        with suppress(OSError), Image.open(path) as image:
            return ORIENTATIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1), UPRIGHT)
        angle = math.radians(frame.rotation)
        return math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)
    values = np.frombuffer(bytes(stored), np.int32).astype(float).tolist()
    return values[0], values[1], values[3], values[4]


def turn_image(
    image: UInt8[np.ndarray, "rows columns 3"], matrix: Matrix
) -> UInt8[np.ndarray, "height width 3"]:
    """`image` with the quarter turn, the mirroring or both nearest to the display `matrix`."""
    row_right, row_down, column_right, column_down = matrix
    right, down = row_right, column_down
    if abs(row_right) + abs(column_down) < abs(row_down) + abs(column_right):
        image, right, down = image.transpose(1, 0, 2), column_right, row_down
    image = image[:, ::-1] if right < 0 else image
    return np.ascontiguousarray(image[::-1] if down < 0 else image)

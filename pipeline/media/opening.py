"""Opening media that may come from a stranger: as media alone, and nothing but the file itself.

Left to itself, FFmpeg follows playlists to any other file, draws text as pictures, listens to
ports and asks servers, whatever the file is called.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import av
from av.container import InputContainer

from pipeline.errors import MediaError
from pipeline.media.bmff import check_samples

FORMATS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "mxf", "nut", "ogg", "rm"),
    *("swf", "ivf", "dv", "wtv", "yuv4mpegpipe"),
    *("mpegvideo", "h264", "hevc", "m4v", "mjpeg", "obu"),
    *("wav", "w64", "aiff", "flac", "mp3", "aac", "ac3", "eac3", "dts", "amr", "caf", "au"),
    *("wv", "tta", "ape", "gsm", "nistsphere", "loas", "truehd", "voc", "ircam"),
    *("dss", "oma", "qcp", "dhav", "mpc", "mpc8"),
    *("jpeg_pipe", "png_pipe", "gif", "apng", "bmp_pipe", "tiff_pipe", "webp_pipe"),
    *("ppm_pipe", "pgm_pipe", "pbm_pipe", "j2k_pipe", "jpegxl_pipe", "dpx_pipe", "exr_pipe"),
)
"""Formats that are read, by FFmpeg's names: none of them opens another file. `image2` does, where a
name ends in .Y, and draws text where it ends in .xface; its pictures open as those of a pipe."""

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Ends of names by which FFmpeg would take a file for one of a numbered series, which is not on the
list: such a file is opened as bytes without a name."""
PICTURE_BYTES = 2**30
"""Beyond them it is no picture."""

CELL_FORMATS = ("flac",)
"""Formats of bytes without a file, which are cells of `data/audio`."""


@contextmanager
def open_container(
    source: Path | BytesIO, options: Mapping[str, str] | None = None
) -> Iterator[InputContainer]:
    """Container of `source`, of one of FORMATS; raises MediaError `unreadable` for any other.

    Only a regular file is opened: a pipe or a device may give nothing for ever. Bytes are FLAC.
    """
    opened: str | BytesIO
    formats: Sequence[str] = FORMATS
    if isinstance(source, BytesIO):
        source.seek(0)
        opened, protocol, formats = source, "", CELL_FORMATS
    elif stat_file(source).st_size <= PICTURE_BYTES and source.suffix.lower() in PICTURES:
        opened, protocol = BytesIO(source.read_bytes()), ""
        check_samples(opened)
        opened.seek(0)
    else:
        opened, protocol = f"file:{os.path.abspath(source)}", "file"
        with source.open("rb") as file:
            check_samples(file)
    alone = {"format_whitelist": ",".join(formats), "protocol_whitelist": protocol}
    chosen = {**alone, **(options or {})}
    try:
        # By default a tag in an old code page would be reason enough to refuse the file.
        container = av.open(opened, "r", metadata_errors="replace", options=chosen)
    except av.ArgumentError as error:  # what FFmpeg says of a format that is not on the list
        raise MediaError(
            "unreadable", "expected a format of pictures or sound, got another; convert the file"
        ) from error
    except av.FFmpegError as error:
        raise MediaError(
            "unreadable", f"expected a media file, FFmpeg says {error.strerror!r}; replace it"
        ) from error
    with container:
        yield container


def stat_file(path: Path) -> os.stat_result:
    """What the system knows of a file; raises MediaError `unreadable` for what is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise MediaError(
            "unreadable", f"expected a file, the system says {str(error)!r}; mend its path"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise MediaError("unreadable", "expected a file, got a folder, a pipe or a device")
    return found

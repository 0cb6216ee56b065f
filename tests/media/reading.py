"""Files read to their end by a process that tells what it took."""

from pathlib import Path

from pipeline.cleaning.params import CleanParams
from pipeline.cleaning.sound import decode_clip
from pipeline.errors import MediaError
from pipeline.labels.clips import Clip
from pipeline.media.sampling import Sampling
from pipeline.media.video import read_frames


def read_all(path):
    """Reason why sound, and why pictures cannot be had to their end, None where they can.

    A stretch is read, too, and the kilobytes that this process took at most are the third.
    """
    reasons = []
    for begin, end in ((None, None), (1.3, 2.1)):
        clip = Clip(clip_id="a", corpus="toy", path=str(path), start_seconds=begin, end_seconds=end)
        reasons.append(decode_clip(clip, CleanParams()).sound.reason or None)
        try:
            for _ in read_frames(path, Sampling(), begin, end):
                pass
            reasons.append(None)
        except MediaError as error:
            reasons.append(error.reason)
    return reasons, measure_peak()


def measure_peak():
    """Most kilobytes that this process held; not those of its parent, as `getrusage` has them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))

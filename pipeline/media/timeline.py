"""The timeline of a file: one clock for all its streams, whatever their timestamps do.

Recordings joined end to end begin their timestamps anew, a receiver loses its clock and jumps a day
ahead, a camera stamps its sound in another clock than its pictures. A survey reads every packet
once, decodes none, and finds what to add to the timestamps of each so that the file goes on without
a jump and its streams begin together.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise
from typing import cast

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Disposition, Stream

from pipeline.errors import MediaError
from pipeline.limits import MOST_PAUSE_SECONDS, MOST_PICTURES, PACKET_BYTES, PACKET_TIMES

JUMP_SECONDS = 10.0
"""Timestamps of a broadcast that go further ahead have jumped, as FFmpeg's `dts_delta_threshold`
has it; and streams that lie further apart are stamped in different clocks."""

LONG_JUMP_SECONDS = 600.0
"""The same for formats that are no broadcast, where a long pause may be meant."""

BACK_SECONDS = 0.25
"""Decoding never goes back in time: further back than this, timestamps begin anew."""

KEPT_SECONDS = 2.0
"""A stream that goes on for so long in the old clock did not jump with the others."""

WRAP_SECONDS = Fraction(1 << 33, 90_000)
"""Timestamps of MPEG-TS and MPEG-PS begin anew after so long, 26.5 hours."""

NEAR_EPOCHS = 3
"""So many epochs back, or ahead, a stream is looked for: damage may give thousands."""

Shift = tuple[int, Fraction | None]


@dataclass(frozen=True)
class Lane:
    """One stream of pictures or sound on the timeline.

    A timestamp is on the timeline once the last of `shifts` (packet from which it holds, seconds to
    add, None where timestamps are astray) was added to it and `zero` taken away. The stream lasts
    from `begin` to `end`; its pictures are shown at `times`, in order, and those numbered in `keys`
    (packet, time) lean on no other.
    """

    shifts: tuple[Shift, ...]
    zero: Fraction
    begin: float
    end: float
    times: tuple[float, ...] = ()
    keys: tuple[tuple[int, float], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether its timestamps need no mending, so that decoding may begin anywhere."""
        return self.shifts == ((0, Fraction(0)),)


@dataclass(frozen=True)
class Timeline:
    """The `lanes` of a file by the index of their stream, and where all that it holds ends.

    `raw_end` is that end by the file's own timestamps, subtitles included. `remarks` say what was
    mended, by the word for it in the ledger. `unannounced` is whether there are packets of streams
    that the header does not tell of. `back_steps` are how often the timestamps of a stream go back
    where none begin anew, `back_seconds` by how much at most.
    """

    lanes: Mapping[int, Lane]
    raw_end: float
    remarks: Mapping[str, str]
    unannounced: bool
    back_steps: int = 0
    back_seconds: float = 0.0

    @property
    def end(self) -> float:
        """Seconds at which the last picture or sound is over, 0 without any."""
        return max((lane.end for lane in self.lanes.values()), default=0.0)


@dataclass
class Span:
    """Seconds, by the file's own timestamps, from the first to the last that a stream holds."""

    begin: float = math.inf
    end: float = -math.inf

    def cover(self, begin: float, end: float) -> None:
        """Take in what lies from `begin` to `end`."""
        self.begin, self.end = min(self.begin, begin), max(self.end, end)


@dataclass
class Epoch:
    """What a file holds in one clock: the span of each stream, and when another took over."""

    spans: dict[int, Span] = field(default_factory=dict)
    left_at: float = math.inf

    @property
    def begin(self) -> float:
        """Of the first of its streams."""
        return min(span.begin for span in self.spans.values())

    @property
    def end(self) -> float:
        """Of the last of its streams."""
        return max((span.end for span in self.spans.values()), default=-math.inf)


@dataclass
class Trace:
    """How far a stream was followed: the epochs it went through, from which packet on.

    `last` has the decoding time it came to in each epoch, `astray` those it came back from. `shown`
    has each picture's packet, epoch, time, and whether it is a key. `newest` is the decoding time
    of the last packet; `back` has each that is before it, by the epoch that it opens, if it does,
    and by how much.
    """

    stream: Stream
    starts: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    last: dict[int, float] = field(default_factory=dict)
    astray: set[int] = field(default_factory=set)
    shown: list[tuple[int, int, float, bool]] = field(default_factory=list)
    packets: int = 0
    next_seconds: float = 0.0
    held_seconds: float = 0.0
    newest: float = -math.inf
    back: list[tuple[int | None, float]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """The one it is in."""
        return self.starts[-1][1]

    def move(self, epoch: int, number: int) -> None:
        """Go to `epoch` with packet `number`."""
        self.starts.append((number, epoch))


def survey_timeline(container: InputContainer) -> Timeline:
    """Timeline of `container`, which is read to its end, or to where reading breaks off.

    Raises MediaError `undecodable` beyond MOST_PICTURES, and for packets far beyond its bytes.
    """
    survey = Survey(container)
    for packet in _read_on(container):
        survey.add(packet)
    return survey.finish()


def _read_on(container: InputContainer) -> Iterator[Packet | None]:  # type: ignore[type-arg]
    """Packets as far as they can be read: whoever decodes the file meets again what breaks it."""
    with suppress(MediaError):
        yield from read_packets(container)


def read_packets(container: InputContainer) -> Iterator[Packet | None]:  # type: ignore[type-arg]
    """Packets of all streams, None for one of a stream that the header does not tell of."""
    while True:
        try:
            yield from container.demux()
        except IndexError:  # PyAV knows no such stream; the packets after it are there
            yield None
        except av.FFmpegError as error:
            raise MediaError(
                "undecodable",
                f"reading broke off, FFmpeg says {error.strerror!r}; replace the file",
            ) from error
        else:
            return


def is_flush(packet: Packet) -> bool:  # type: ignore[type-arg]
    """Whether `packet` is none of the file: PyAV ends each stream with one."""
    return packet.size == 0 and packet.pts is None and packet.dts is None


def find_shown(packet: Packet) -> int | None:  # type: ignore[type-arg]
    """Ticks at which what `packet` holds is shown, None where it does not say.

    A time too far from that of decoding is damage, and that of decoding is taken. AVI stores
    neither, but counts: FFmpeg shows its H.264 a frame late, to have room for what comes in another
    order.
    """
    if packet.pts == packet.dts or packet.dts is None:
        return packet.pts
    if packet.pts is None or not packet.time_base:
        return packet.dts
    if packet.stream.type == "video" and packet.stream.container.format.name == "avi":
        return packet.dts
    near = abs(packet.pts - packet.dts) * packet.time_base <= JUMP_SECONDS
    return packet.pts if near else packet.dts


def list_streams(container: InputContainer) -> list[Stream]:
    """Streams of pictures and sound, without covers."""
    covers = Disposition.attached_pic
    return [
        stream
        for stream in container.streams
        if stream.type in ("video", "audio") and not stream.disposition & covers
    ]


class Survey:
    """Follows the packets of `container`, stream by stream and clock by clock."""

    def __init__(self, container: InputContainer) -> None:
        self._broadcast = bool(container.format.flags & cast(int, Flags.ts_discont.value))
        self._container = container
        self._jump = JUMP_SECONDS if self._broadcast else LONG_JUMP_SECONDS
        self._ticks = {stream.index: float(stream.time_base or 0) for stream in container.streams}
        self._traces = {stream.index: Trace(stream) for stream in list_streams(container)}
        self._epochs = [Epoch()]
        self._raw_end = 0.0
        self._unannounced = False
        self._room = PACKET_BYTES + PACKET_TIMES * container.size

    def add(self, packet: Packet | None) -> None:  # type: ignore[type-arg]
        """Take in the next packet, None for one of a stream that is not known."""
        if packet is None:
            self._unannounced = True
            return
        if is_flush(packet):
            return
        self._room -= packet.size
        if self._room < 0:
            told = f"expected packets of at most {PACKET_TIMES} times the file's bytes, got more"
            raise MediaError("undecodable", f"{told}; replace the file")
        tick = self._ticks.get(packet.stream.index, 0.0)
        shown = find_shown(packet)
        seconds = (packet.duration or 0) * tick or _guess_duration(packet.stream)
        if shown is not None:
            self._raw_end = max(self._raw_end, shown * tick + seconds)
        trace = self._traces.get(packet.stream.index)
        if trace is not None:
            in_order = shown if trace.stream.type == "audio" else packet.dts
            if in_order is not None:
                self._follow(trace, in_order * tick)
            begin = trace.next_seconds if shown is None else shown * tick
            self._enter(trace, packet, begin, seconds)

    def finish(self) -> Timeline:
        """What was found."""
        for index, trace in self._traces.items():
            for epoch in trace.astray:
                self._epochs[epoch].spans.pop(index, None)
        zeros, apart = self._find_zeros()
        shifts = self._place_epochs()
        lanes = {
            index: self._lay(trace, zeros[index], shifts)
            for index, trace in self._traces.items()
            if trace.packets
        }
        joints = sum(
            1
            for number, epoch in enumerate(self._epochs)
            if number and epoch.spans and shifts[number] - shifts[number - 1] != WRAP_SECONDS
        )
        back = [
            step
            for trace in self._traces.values()
            for opened, step in trace.back
            if opened is None or opened in trace.astray
        ]
        return Timeline(
            lanes=lanes,
            raw_end=self._raw_end,
            remarks=_list_remarks(joints, apart),
            unannounced=self._unannounced,
            back_steps=len(back),
            back_seconds=max(back, default=0.0),
        )

    def _follow(self, trace: Trace, decoded: float) -> None:
        """Find the clock of the packet of `trace` that is decoded at `decoded`."""
        last, opened = trace.last.get(trace.epoch), None
        if last is not None and not self._goes_on(trace, last, decoded):
            epoch = self._find_epoch(trace, decoded)
            opened = None if epoch in trace.last else epoch
            trace.move(epoch, trace.packets)
        if decoded < trace.newest:
            trace.back.append((opened, trace.newest - decoded))
        trace.newest = decoded
        trace.last[trace.epoch] = decoded

    def _goes_on(self, trace: Trace, last: float, decoded: float) -> bool:
        """Whether `decoded` follows `last`, or other streams have come so far in the meantime."""
        if decoded < last - BACK_SECONDS:
            return False
        return decoded - last <= self._jump or decoded <= self._others_end(trace) + JUMP_SECONDS

    def _others_end(self, trace: Trace) -> float:
        spans = self._epochs[trace.epoch].spans
        ends = (span.end for index, span in spans.items() if index != trace.stream.index)
        return max(ends, default=-math.inf)

    def _find_epoch(self, trace: Trace, decoded: float) -> int:
        """The epoch that `trace` comes back to, or that another opened before it, or a new one."""
        for epoch in [*islice(reversed(trace.last), NEAR_EPOCHS)][::-1]:
            if (
                epoch != trace.epoch
                and 0 <= decoded - trace.last[epoch] + BACK_SECONDS <= self._jump
            ):
                trace.astray.add(trace.epoch)
                return epoch
        newest = range(max(trace.epoch + 1, len(self._epochs) - NEAR_EPOCHS), len(self._epochs))
        for epoch in newest:
            if self._may_join(trace, self._epochs[epoch], decoded):
                return epoch
        self._epochs[-1].left_at = self._epochs[-1].end
        self._epochs.append(Epoch())
        return len(self._epochs) - 1

    def _may_join(self, trace: Trace, epoch: Epoch, decoded: float) -> bool:
        """Whether `decoded` is near what others hold in an `epoch` that `trace` is not in."""
        if not epoch.spans or trace.stream.index in epoch.spans:
            return False
        return epoch.begin - JUMP_SECONDS <= decoded <= epoch.end + self._jump

    def _enter(self, trace: Trace, packet: Packet, begin: float, seconds: float) -> None:  # type: ignore[type-arg]
        """Note what a packet holds, from `begin` on."""
        number, trace.packets = trace.packets, trace.packets + 1
        trace.next_seconds = begin + seconds
        if packet.is_discard:
            return
        trace.held_seconds += seconds
        span = self._epochs[trace.epoch].spans.setdefault(trace.stream.index, Span())
        span.cover(begin, begin + seconds)
        if trace.stream.type == "video" and packet.size:
            trace.shown.append((number, trace.epoch, begin, packet.is_keyframe))
            if len(trace.shown) > MOST_PICTURES:
                told = f"expected a film of at most {MOST_PICTURES:,} pictures, got more"
                raise MediaError("undecodable", f"{told}; cut it")

    def _find_zeros(self) -> tuple[dict[int, Fraction], float]:
        """What to take from the timestamps of each stream, and how far apart their clocks are."""
        spans = self._epochs[0].spans
        begins = {index: _start_of(self._traces[index].stream, spans[index]) for index in spans}
        zero = _start_of_file(self._container, begins)
        zeros = dict.fromkeys(self._traces, zero)
        pictures = [index for index in spans if self._traces[index].stream.type == "video"]
        main = spans.get(min(pictures or spans, default=-1))
        apart = {
            index: gap
            for index, span in spans.items()
            if main and (gap := max(span.begin - main.end, main.begin - span.end)) > JUMP_SECONDS
        }
        if apart:
            met = [begins[index] for index in spans if index not in apart]
            zeros = {index: begins[index] if index in apart else min(met) for index in zeros}
        return zeros, max(apart.values(), default=0.0)

    def _place_epochs(self) -> list[Fraction]:
        """Seconds to add to the timestamps of each epoch, so that it follows those before it.

        They are whole ticks of every stream, lest a stream be moved by less than another.
        """
        tick = max((trace.stream.time_base or 0 for trace in self._traces.values()), default=0)
        ends: dict[int, float] = {}
        shifts: list[Fraction] = []
        for number, epoch in enumerate(self._epochs):
            shift = Fraction(0)
            if number and epoch.spans:
                gap = self._find_end(number, ends) - epoch.begin
                shift = math.ceil(gap / tick - 1e-6) * Fraction(tick) if tick else Fraction(gap)
                if abs(shift - shifts[-1] - WRAP_SECONDS) < 1 and self._broadcast:
                    shift = shifts[-1] + WRAP_SECONDS
            for index, span in epoch.spans.items():
                ends[index] = max(ends.get(index, -math.inf), span.end + float(shift))
            shifts.append(shift)
        return shifts

    def _find_end(self, number: int, ends: Mapping[int, float]) -> float:
        """Where the epochs before `number` end: all, or its own streams if others kept on."""
        former, streams = self._epochs[number - 1], self._epochs[number].spans
        kept = (
            former.end - former.left_at > KEPT_SECONDS and not former.spans.keys() <= streams.keys()
        )
        own = [end for index, end in ends.items() if index in streams]
        return max(own if kept and own else ends.values(), default=0.0)

    def _lay(self, trace: Trace, zero: Fraction, shifts: list[Fraction]) -> Lane:
        """Where a stream lies on the timeline."""
        moves = [(n, None if e in trace.astray else shifts[e]) for n, e in trace.starts]
        parts = [
            (span.begin + float(shifts[epoch] - zero), span.end + float(shifts[epoch] - zero))
            for epoch in {epoch for _, epoch in trace.starts} - trace.astray
            if (span := self._epochs[epoch].spans.get(trace.stream.index))
        ]
        begin = min((begin for begin, _ in parts), default=0.0)
        end = max((end for _, end in parts), default=0.0)
        if trace.stream.type == "audio":
            longest = max(other.held_seconds for other in self._traces.values())
            late, paused = end - 2 * longest, end - begin - 2 * trace.held_seconds
            if max(late, paused) > MOST_PAUSE_SECONDS:
                moves, end = [(0, None)], begin + trace.held_seconds
        timed = [
            (number, seconds + float(shifts[epoch] - zero), key)
            for number, epoch, seconds, key in trace.shown
            if epoch not in trace.astray
        ]
        times = sorted(seconds for _, seconds, _ in timed)
        keys = tuple((number, seconds) for number, seconds, key in timed if key)
        return Lane(tuple(_merge(moves)), zero, begin, end, tuple(times), keys)


def _list_remarks(joints: int, apart: float) -> dict[str, str]:
    remarks = {}
    if joints:
        remarks["joined"] = (
            f"timestamps jump or begin anew at {joints} place{'s' * (joints > 1)}; what follows "
            "was joined to what came before"
        )
    if apart:
        remarks["tracks_apart"] = (
            f"sound and pictures don't meet, they are stamped {apart:.0f} s apart; both were taken "
            "from their own beginning"
        )
    return remarks


def _merge(moves: list[Shift]) -> Iterator[Shift]:
    """`moves` without those that change nothing."""
    yield moves[0]
    yield from (move for former, move in pairwise(moves) if move[1] != former[1])


def _start_of(stream: Stream, span: Span) -> Fraction:
    """Seconds at which `stream` says it starts, or else its `span`."""
    if stream.start_time is not None and stream.time_base:
        start = stream.start_time * stream.time_base
        if abs(start - span.begin) <= JUMP_SECONDS:
            return start
    return Fraction(span.begin)


def _start_of_file(container: InputContainer, begins: Mapping[int, Fraction]) -> Fraction:
    """Seconds at which `container` says it starts, or else the first of its streams."""
    first = min(begins.values(), default=Fraction(0))
    if container.start_time is None:
        return first
    start = Fraction(container.start_time, av.time_base)
    return start if not begins or abs(start - first) <= JUMP_SECONDS else first


def _guess_duration(stream: Stream) -> float:
    """Seconds that a packet lasts that does not say, as in MPEG-TS and FLV; 0 for sound."""
    rate = stream.average_rate if isinstance(stream, av.VideoStream) else None
    return float(1 / rate) if rate else 0.0

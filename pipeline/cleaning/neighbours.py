"""Neighbours: prints that differ in few bits, found without comparing each with each.

Prints are sorted by bits drawn from them, time and again by others, and compared with those that
come next (Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002, §3): two
that are alike soon have a long run of equal bits, and stand side by side. Time and memory grow with
the number of prints, whatever they hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt32, UInt64

from pipeline.cleaning.prints import Kind, Print

TABLES = 96
"""Sortings. `benchmarks/cleaning.py` counts what they miss."""

KEY_BITS = 64
"""Bits that are drawn for one."""

REACHES = (8, 4, 2, 1)
"""One draws from the first eighth of all units, the next from the first quarter: many clips are
short."""

NEXT = 2
"""With how many that come next a print is compared."""

SLACK = 0.15
"""Where a larger share than asked for, by so much, of the bits drawn differs, or of those of a few
units, the others are not looked at: of 64 bits it is three standard deviations."""

FEW = 16
"""Units, spread over all, that are looked at first."""

BLOCK = 1 << 14
"""Pairs that are compared at a time."""

LEAST_UNITS: Mapping[Kind, int] = {"sound": 8, "pictures": 1}
"""Two prints can be alike only where so many units of both tell anything: 0.8 s of sound."""

WORD_BITS = 32

Pairs = Int64[np.ndarray, "pairs 2"]


@dataclass(frozen=True, order=True)
class Neighbours:
    """Two prints by their places, the first before the second, and the share that differs."""

    first: int
    second: int
    share: float


def find_neighbours(prints: Sequence[Print], most: float) -> list[Neighbours]:
    """Pairs of `prints`, all of one kind, of whose bits at most the share `most` differ; in order.

    Of many prints that are alike not all pairs are found, but each of them in some.
    """
    if len(prints) < 2:
        return []
    whole = _stack(prints)
    few = whole.thin(max(1, whole.valid.shape[1] // FEW))
    found: dict[tuple[int, int], float] = {}
    for keys in _draw_keys(whole.bits):
        for beside in _list_pairs(keys, most + SLACK):
            pairs = beside[few.compare(beside)[0] <= most + SLACK]
            shares, told = whole.compare(pairs)
            near = (shares <= most) & (told >= LEAST_UNITS[prints[0].kind])
            found.update(
                (tuple(pair), share)
                for pair, share in zip(pairs[near].tolist(), shares[near].tolist(), strict=True)
            )
    return sorted(Neighbours(*pair, share) for pair, share in found.items())


@dataclass(frozen=True)
class _Stack:
    """Bits of all prints, 0 where they tell nothing, and where they do."""

    bits: UInt32[np.ndarray, "prints units words"]
    valid: Bool[np.ndarray, "prints units"]

    def thin(self, step: int) -> "_Stack":
        """Every so manieth unit."""
        return _Stack(
            np.ascontiguousarray(self.bits[:, ::step]), np.ascontiguousarray(self.valid[:, ::step])
        )

    def compare(
        self, pairs: Pairs
    ) -> tuple[Float64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
        """Share of the bits of each pair that differ, 0 of none, and units that tell in both."""
        first, second = pairs.T
        both = self.valid[first] & self.valid[second]
        differing = np.bitwise_count(self.bits[first] ^ self.bits[second]).sum(
            axis=2, dtype=np.int64
        )
        told = both.sum(axis=1)
        most = np.maximum(told, 1) * WORD_BITS * self.bits.shape[2]
        return (differing * both).sum(axis=1) / most, told


def _stack(prints: Sequence[Print]) -> _Stack:
    units = max(len(one.valid) for one in prints)
    bits = np.zeros((len(prints), units, prints[0].bits.shape[1]), np.uint8)
    valid = np.zeros((len(prints), units), np.bool_)
    for place, one in enumerate(prints):
        bits[place, : len(one.bits)] = one.bits * one.valid[:, None]
        valid[place, : len(one.valid)] = one.valid
    return _Stack(bits.view(np.uint32), valid)


def _draw_keys(
    bits: UInt32[np.ndarray, "prints units words"],
) -> Iterator[UInt64[np.ndarray, " prints"]]:
    """For each table the key of each print: bits of it, the same of all."""
    rng = np.random.default_rng(0)
    prints, units, words = bits.shape
    columns = np.ascontiguousarray(bits.reshape(prints, -1).T)
    for table in range(TABLES):
        reach = max(1, units // REACHES[table % len(REACHES)])
        drawn = rng.choice(
            WORD_BITS * words * reach, KEY_BITS, replace=WORD_BITS * words * reach < KEY_BITS
        )
        keys = np.zeros(prints, np.uint64)
        for column, shift in zip(*np.divmod(drawn, WORD_BITS), strict=True):
            keys <<= np.uint64(1)
            keys |= (columns[column] >> np.uint32(shift)) & np.uint32(1)
        yield keys


def _list_pairs(keys: UInt64[np.ndarray, " prints"], most: float) -> Iterator[Pairs]:
    """Prints that stand side by side once sorted by `keys`, of which at most `most` differ."""
    order = np.argsort(keys, kind="stable")
    for ahead in range(1, min(NEXT, len(keys) - 1) + 1):
        pairs = np.sort(np.stack([order[:-ahead], order[ahead:]], axis=1), axis=1)
        differing = np.bitwise_count(keys[pairs[:, 0]] ^ keys[pairs[:, 1]])
        near = pairs[differing <= most * KEY_BITS]
        yield from (near[start : start + BLOCK] for start in range(0, len(near), BLOCK))

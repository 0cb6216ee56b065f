"""Modalities, and the shape of a feature set's rows."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Literal

Modality = Literal["face", "scene", "audio", "text"]
MODALITIES: tuple[Modality, ...] = ("face", "scene", "audio", "text")


def order_modalities(found: Container[str]) -> list[Modality]:
    """Those that are `found`, in the order of all.

    >>> order_modalities({"text", "face"})
    ['face', 'text']
    """
    return [modality for modality in MODALITIES if modality in found]


def modality_of(stream: str) -> str:
    """Modality of what a head reads: `audio`; `audio/mfcc`, one of several sets of it.

    Or `audio@before_own`, turns of the dialogue around a clip (`heads.context`).
    """
    return stream.partition("@")[0].partition("/")[0]


@dataclass(frozen=True)
class RowShape:
    """Shape of a row, and what its axes are.

    `("dim",)`, `("tokens", "dim")` or `("channels", "height", "width")`, each after layers, if any.

    >>> str(RowShape.of((12, 768), layered=True))
    'layers x dim (12 x 768)'
    """

    sizes: tuple[int, ...]
    axes: tuple[str, ...]

    @staticmethod
    def of(sizes: Sequence[int], *, layered: bool = False) -> "RowShape":
        """Shape of these sizes, of which the first counts layers if `layered`."""
        inner = len(sizes) - layered
        known = {1: ("dim",), 2: ("tokens", "dim"), 3: ("channels", "height", "width")}
        axes = known.get(inner, tuple(f"axis {number}" for number in range(inner)))
        return RowShape(tuple(sizes), ("layers",) * layered + axes)

    def __str__(self) -> str:
        return f"{' x '.join(self.axes)} ({' x '.join(map(str, self.sizes))})"


def is_picture(stream: str, shape: RowShape) -> bool:
    """Whether rows of `stream` are places of a picture, whose mirror image is as likely."""
    return shape.axes[0] == "channels" and modality_of(stream) in ("face", "scene")

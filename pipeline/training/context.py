"""Context: dialogues that no split may part, for a head that sees the turns around a clip."""

from collections.abc import Mapping, Sequence

from pipeline.errors import TrainingError
from pipeline.heads.shared.params import HeadParams
from pipeline.windows.labels import Labels


def check_context(
    params: HeadParams, labels: Labels, sides: Mapping[str, Sequence[str]], run: str
) -> None:
    """Raise TrainingError where the turns around clips cannot be seen, or may not be.

    `sides` is side → its clips. A dialogue on two of them would show a head that is trained what
    it is tested on; clips on no side may be seen by all.
    """
    if not params.windows.context_turns:
        return
    framed = [target for target in params.targets if labels.per(target) == "frame"]
    if framed:
        raise TrainingError(
            f"windows.context_turns: expected targets that are labelled clip by clip, got frames "
            f"of {', '.join(framed)}; set it to 0, or leave these targets out"
        )
    placed: dict[int, tuple[str, str]] = {}
    for side, clip_ids in sides.items():
        for clip_id in (clip_id for clip_id in clip_ids if clip_id in labels.turns):
            dialogue = labels.turns[clip_id].dialogue
            other, first = placed.setdefault(dialogue, (side, clip_id))
            if side != other:
                raise TrainingError(
                    f"{run}: windows.context_turns: expected each dialogue on one side, got "
                    f"{first} in {other} and {clip_id} in {side}; split by dialogue, or set it to 0"
                )
    if not placed:
        raise TrainingError(
            f"{run}: windows.context_turns: expected clips with a dialogue and a turn, got none; "
            f"set it to 0, or use a corpus that has them"
        )

"""Heads that are made of other heads, whose answers are joined.

Each member has a loss of its own, as if it were trained alone; they share the batches, and the
epoch that is kept is the one in which their joined answer is best.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.answered import Answered, join_answered
from pipeline.heads.params import HEADS, JoinedParams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.joining import JOINS, Answers, Present
from pipeline.heads.shared.params import Per
from pipeline.modalities import RowShape, modality_of


class JoinedHead(base.Head):
    """Members by `params.plan_members`, each over the streams of its modalities."""

    params: JoinedParams

    def __init__(
        self, params: JoinedParams, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        nn.Module.__init__(self)
        base.check_sizes(shapes, outputs)
        self.params, self.outputs = params, tuple(outputs)
        plans = params.plan_members(dict.fromkeys(map(modality_of, sorted(shapes))))
        self.members = nn.ModuleDict()
        for name, plan in plans.items():
            own = {s: shape for s, shape in shapes.items() if modality_of(s) in plan.modalities}
            with torch.random.fork_rng(enabled=plan.seed is not None):
                if plan.seed is not None:
                    torch.manual_seed(plan.seed)
                self.members[name] = HEADS.load(plan.params.kind).Head(plan.params, own, outputs)
        self.join = JOINS[params.join](outputs, len(self.members))
        # Each stream's reader is that of the first member that reads it. A mapping and no module,
        # as readers are their members'.
        found = [(name, reader) for head in self.heads for name, reader in head.readers.items()]
        self.readers = dict(sorted(dict(reversed(found)).items()))
        self.dims = {stream: reader.dim for stream, reader in self.readers.items()}

    @property
    def heads(self) -> list[base.Head]:
        """Members, in their order."""
        return list(self.members.children())  # type: ignore[arg-type]

    @property
    def stacked(self) -> bool:
        """Whether there is anything to fit on what members answer of clips they never saw."""
        return any(True for _ in self.join.parameters())

    def set_moments(
        self, stream: str, mean: Float[Tensor, "*columns"], scale: Float[Tensor, "*columns"]
    ) -> None:
        """The same of every member that reads the stream."""
        for member in self.heads:
            if stream in member.readers:
                member.set_moments(stream, mean, scale)

    def withhold(self, stream: str) -> None:
        """The same of every member that reads the stream."""
        for member in self.heads:
            if stream in member.readers:
                member.withhold(stream)

    def start(self) -> None:
        """Load what members start from."""
        for member in self.heads:
            member.start()
            self.started = {**self.started, **member.started}

    def count_weights(self, times: Mapping[str, int]) -> int:
        """Those of all members."""
        return sum(
            member.count_weights({stream: times[stream] for stream in member.dims})
            for member in self.heads
        )

    @property
    def layer_shares(self) -> dict[str, list[float]]:
        """Stream → weight of each of its layers, the mean of the members that weigh them."""
        found: dict[str, list[Tensor]] = {}
        for member in self.heads:
            for stream, shares in member.layer_shares.items():
                found.setdefault(stream, []).append(torch.tensor(shares))
        return {stream: torch.stack(each).mean(dim=0).tolist() for stream, each in found.items()}

    def parts(self, streams: Mapping[str, StreamRows]) -> list[dict[str, Tensor]]:
        """Member by member, its outputs, each of which is measured by a loss of its own."""
        return [
            member({stream: streams[stream] for stream in member.dims}) for member in self.heads
        ]

    def stack(
        self,
        held_out: Iterable[tuple[base.Head, Iterable[base.LabelledBatch]]],
        measure: base.Measure,
    ) -> None:
        """Fit the join on what the members of other heads answer of batches they never saw."""
        answered: list[list[Answered]] = [[] for _ in self.heads]
        seen: dict[Per, list[Tensor]] = {per: [] for per in self.pers}
        for head, batches in held_out:
            assert isinstance(head, JoinedHead)
            for batch in batches:
                with torch.no_grad():
                    answers = head.parts(batch.streams)
                for found, outputs in zip(answered, answers, strict=True):
                    found.append(Answered.of(outputs, batch))
                for per, there in head.find_present(batch.streams).items():
                    seen[per].append(there.flatten(start_dim=1))
        members = [join_answered(found) for found in answered]
        present = {per: torch.cat(found, dim=1) for per, found in seen.items()}
        self.join.fit(
            [member.outputs for member in members],
            present,
            lambda joined: measure(joined, members[0].targets, members[0].masks),
        )

    def find_present(self, streams: Mapping[str, StreamRows]) -> Present:
        """Per clip, and per frame where that is asked for, where each member has any row."""
        known = self.know(streams)
        present: dict[Per, Tensor] = {}
        for per in self.pers:
            seen = []
            for member in self.heads:
                masks = [known[stream].mask for stream in member.dims]
                if per == "clip":
                    masks = [mask.any(dim=1) for mask in masks]
                seen.append(torch.stack(masks).any(dim=0))
            present[per] = torch.stack(seen)
        return present

    def forward(self, streams: Mapping[str, StreamRows]) -> dict[str, Tensor]:
        """Joined outputs, in the sizes of one head's."""
        answers: Answers = self.parts(streams)
        joined: dict[str, Tensor] = self.join(answers, self.find_present(streams))
        return joined

"""Heads in which utterances and modalities are the nodes of a graph.

A node is what one stream tells of one utterance: of the clip, of a turn of its dialogue around it
(`windows.context_turns`), or of a point of the grid where labels are per frame. Nodes of one stream
are joined by edges that know which of the two comes first and who speaks in each, as in DialogueGCN
(Ghosal et al., EMNLP 2019); nodes of one utterance are joined across the streams, as in MMGCN (Hu
et al., ACL 2021). Messages are those of a graph transformer whose edges have features (Shi et al.,
Masked label prediction, IJCAI 2021), as in COGMEN (Joshi et al., NAACL 2022).

Speakers are the clip's own and others, which is DialogueGCN's case of two; there is no recurrent
network before the graph. With `windows.causal` all edges come from the past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from pipeline.heads import base
from pipeline.heads.context import split_context
from pipeline.heads.params import GraphParams
from pipeline.heads.pooling import pool_streams
from pipeline.heads.reading import StreamRows
from pipeline.heads.shared.params import Per
from pipeline.heads.shared.sequences import Project, keep_present
from pipeline.modalities import RowShape

PAST, SAME, FUTURE = range(3)
"""Where the other end of an edge lies."""

SPEAKERS = 4
"""Of both ends: each is the clip's own speaker, or another."""

ACROSS = 3 * SPEAKERS
"""Relation of an edge between streams."""

NO_EDGE = -1


@dataclass(frozen=True)
class Nodes:
    """Nodes of all streams, one stream after another.

    `mask` is True where there is something to tell, `times` when it was, in seconds or in turns
    away from the clip; `own` is True where the clip's own speaker speaks, `streams` the number of
    the stream that a node is of.
    """

    rows: Float[Tensor, "clips nodes width"]
    mask: Bool[Tensor, "clips nodes"]
    times: Float[Tensor, "clips nodes"]
    own: Bool[Tensor, " nodes"]
    streams: Int[Tensor, " nodes"]


class Head(base.Head):
    """Streams as nodes, layers of messages between them; the clip's own nodes concatenated."""

    params: GraphParams

    def __init__(
        self, params: GraphParams, shapes: Mapping[str, RowShape], outputs: Sequence[base.Output]
    ) -> None:
        super().__init__(params, shapes, outputs)
        self.names = list(dict.fromkeys(split_context(stream)[0] for stream in self.dims))
        self.pools, sizes = pool_streams(params.pooling, {n: self.dims[n] for n in self.names})
        self.projections = nn.ModuleDict(
            {name: Project(size, params.width, params.dropout) for name, size in sizes.items()}
        )
        self.layers = nn.ModuleList(Messages(params) for _ in range(params.layers))
        self.concat = base.Concat(self.names, params.width, "mean", params.dropout)
        self.readouts = base.read_out(outputs, params.width)

    def count_weights(self, times: Mapping[str, int]) -> int:
        """One for each pair of nodes, in each head of each layer."""
        nodes = sum(1 if self._is_whole(name) else time for name, time in times.items())
        return nodes**2 * self.params.heads * self.params.layers

    def fuse(self, streams: Mapping[str, StreamRows]) -> dict[Per, Tensor]:
        """Vectors `(clips, width)` per clip, `(clips, time, width)` per frame."""
        laid = {name: self._lay(name, streams[name]) for name in self.dims}
        nodes = join_nodes(laid)
        edges = find_edges(nodes, causal=self.params.windows.causal)
        rows = nodes.rows
        for layer in self.layers:
            rows = layer(rows, edges)
        counts = [stream.mask.shape[1] for stream in laid.values()]
        told = torch.split(keep_present(rows, nodes.mask), counts, dim=1)
        found = dict(zip(laid, told, strict=True))
        own = {name: replace(laid[name], rows=found[name]) for name in self.names}
        return {per: self.concat(own, per) for per in self.pers}

    def _lay(self, name: str, stream: StreamRows) -> StreamRows:
        """Nodes of a stream: one for all rows of a clip, or one for each turn or point."""
        source, whole = split_context(name)[0], self._is_whole(name)
        vectors, present = self.pools[source](stream, "clip" if whole else "frame")
        if whole:  # nothing comes before or after it but turns
            vectors, present = vectors[:, None], present[:, None]
            stream = StreamRows(vectors, present, torch.zeros_like(vectors[..., 0]))
        laid: StreamRows = self.projections[source](replace(stream, rows=vectors))
        return laid

    def _is_whole(self, name: str) -> bool:
        """Whether a stream is a single node: a clip's own, where nothing is asked per frame."""
        return name in self.names and "frame" not in self.pers


def join_nodes(laid: Mapping[str, StreamRows]) -> Nodes:
    """Nodes of these streams, by name, one stream after another."""
    streams, own, device = [], [], next(iter(laid.values())).mask.device
    numbers: dict[str, int] = {}
    for name, stream in laid.items():
        source, relation = split_context(name)
        count = stream.mask.shape[1]
        streams += [numbers.setdefault(source, len(numbers))] * count
        own += [not relation.endswith("others")] * count
    return Nodes(
        torch.cat([stream.rows for stream in laid.values()], dim=1),
        torch.cat([stream.mask for stream in laid.values()], dim=1),
        torch.cat([stream.seconds for stream in laid.values()], dim=1),
        torch.tensor(own, device=device),
        torch.tensor(streams, device=device),
    )


def find_edges(nodes: Nodes, *, causal: bool) -> Int[Tensor, "clips nodes nodes"]:
    """Relation of each node (second axis) to each that it hears (third), or NO_EDGE.

    Within a stream it is made of where the other lies and who speaks in both; across streams, of
    nodes of the same time alone, it is one. Every node hears itself.
    """
    ahead = nodes.times[:, None, :] - nodes.times[:, :, None]
    place = ahead.sign().long() + SAME
    speakers = 2 * nodes.own[:, None] + nodes.own[None, :]
    alike = nodes.streams[:, None] == nodes.streams[None, :]
    relation = torch.where(alike, SPEAKERS * place + speakers, ACROSS)
    heard = nodes.mask[:, None, :] & (alike | (place == SAME))
    if causal:
        heard = heard & (place != FUTURE)
    itself = torch.eye(heard.shape[1], dtype=torch.bool, device=heard.device)
    return relation.masked_fill(~(heard | itself), NO_EDGE)


class Messages(nn.Module):
    """A layer of the graph transformer: what a node hears, and how far it changes its mind.

    Shi et al. 2021, section 3.1: attention over edges whose features, one vector for each relation,
    are added to keys and values; a gate between message and node; layer norm and ReLU. Keys have
    no bias, which the softmax would cancel.
    """

    def __init__(self, params: GraphParams) -> None:
        super().__init__()
        width, self.heads = params.width, params.heads
        self.query, self.value = nn.Linear(width, width), nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.relations = nn.Parameter(
            torch.randn(ACROSS + 1, self.heads, width // self.heads) / width**0.5
        )
        self.skip, self.gate = nn.Linear(width, width), nn.Linear(3 * width, 1)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(params.dropout)

    def forward(
        self, rows: Float[Tensor, "clips nodes width"], edges: Int[Tensor, "clips nodes nodes"]
    ) -> Float[Tensor, "clips nodes width"]:
        """Nodes after one round of messages over `edges`, as of `find_edges`."""
        told, kept = self._hear(rows, edges), self.skip(rows)
        gate = self.gate(torch.cat([told, kept, told - kept], dim=-1)).sigmoid()
        changed: Tensor = self.norm(gate * kept + (1 - gate) * told).relu()
        return changed

    def _hear(self, rows: Tensor, edges: Tensor) -> Tensor:
        query, key, value = (
            layer(rows).unflatten(2, (self.heads, -1)).movedim(2, 1)
            for layer in (self.query, self.key, self.value)
        )
        relation = edges.clamp(min=0)[:, None].expand(-1, self.heads, -1, -1)
        kinds = torch.einsum("chnd,rhd->chnr", query, self.relations)
        scores = (query @ key.mT + kinds.gather(3, relation)) / query.shape[3] ** 0.5
        absent = (edges == NO_EDGE)[:, None]
        scores = scores.masked_fill(absent, torch.finfo(scores.dtype).min)
        shares = self.dropout(scores.softmax(dim=3))
        by_kind = torch.zeros_like(kinds).scatter_add(3, relation, shares)
        told: Tensor = shares @ value + torch.einsum("chnr,rhd->chnd", by_kind, self.relations)
        return told.movedim(1, 2).flatten(2)

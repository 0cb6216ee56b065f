from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.heads.base import Head, Output
from pipeline.heads.graph import ACROSS, FUTURE, NO_EDGE, PAST, SAME, SPEAKERS, Nodes, find_edges
from pipeline.heads.params import HEADS
from pipeline.heads.reading import StreamRows
from pipeline.modalities import RowShape
from tests.stores import make_params, make_stream

OWN, OTHER = 1, 0
DIM = 3


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(3)


def lay(mask: Tensor | None = None) -> Nodes:
    """A turn of somebody else, the clip, and a turn of its own speaker; and the clip's face."""
    return Nodes(
        rows=torch.randn(1, 4, 2),
        mask=torch.ones(1, 4, dtype=torch.bool) if mask is None else mask,
        times=torch.tensor([[-1.0, 0.0, 1.0, 0.0]]),
        own=torch.tensor([False, True, True, True]),
        streams=torch.tensor([0, 0, 0, 1]),
    )


def relate(place: int, hearer: int, speaker: int) -> int:
    return SPEAKERS * place + 2 * hearer + speaker


def test_edges_know_order_and_speakers_and_join_streams_at_one_time() -> None:
    assert find_edges(lay(), causal=False)[0].tolist() == [
        [relate(SAME, OTHER, OTHER), *[relate(FUTURE, OTHER, OWN)] * 2, NO_EDGE],
        [relate(PAST, OWN, OTHER), relate(SAME, OWN, OWN), relate(FUTURE, OWN, OWN), ACROSS],
        [relate(PAST, OWN, OTHER), relate(PAST, OWN, OWN), relate(SAME, OWN, OWN), NO_EDGE],
        [NO_EDGE, ACROSS, NO_EDGE, relate(SAME, OWN, OWN)],
    ]


def test_no_edge_comes_from_the_future_when_causal() -> None:
    whole, past = (find_edges(lay(), causal=causal)[0] for causal in (False, True))
    assert torch.equal(past == NO_EDGE, (whole == NO_EDGE) | (whole // SPEAKERS == FUTURE))


def test_nobody_hears_a_node_that_is_absent_but_itself() -> None:
    mask = torch.tensor([[True, True, True, False]])
    heard = find_edges(lay(mask), causal=False)[0] != NO_EDGE
    assert heard[:, 3].tolist() == [False, False, False, True]


def build(*streams: str, **options: Any) -> Head:
    params = make_params("graph", {"text": "set"}, width=8, **options)
    shapes = {name: RowShape.of((DIM,)) for name in streams}
    head: Head = HEADS.load("graph").Head(params, shapes, [Output("valence", 1, "clip")])
    return head.eval()


def say(head: Head, streams: dict[str, StreamRows]) -> Tensor:
    with torch.no_grad():
        return head(streams)["valence"]


@pytest.mark.parametrize("relation", ["before_own", "before_others", "after_own", "after_others"])
def test_what_is_said_around_a_clip_is_heard(relation: str) -> None:
    head = build("text", f"text@{relation}")
    own, turns = make_stream(torch.randn(2, 1, DIM)), make_stream(torch.randn(2, 3, DIM))
    found = say(head, {"text": own, f"text@{relation}": turns})
    assert not torch.allclose(
        found, say(head, {"text": own, f"text@{relation}": turns.keep(False)})
    )


def test_it_matters_who_spoke_and_when() -> None:
    relations = ("before_own", "before_others", "after_own")
    own, turn = make_stream(torch.randn(1, 1, DIM)), make_stream(torch.randn(1, 1, DIM))
    found = []
    for relation, away in zip(relations, (-1.0, -1.0, 1.0), strict=True):
        torch.manual_seed(3)
        said = StreamRows(turn.rows, turn.mask, torch.full((1, 1), away))
        found.append(
            say(build("text", f"text@{relation}"), {"text": own, f"text@{relation}": said})
        )
    assert len({round(float(value), 6) for value in found}) == 3


def test_attention_is_counted_over_nodes() -> None:
    head = build("text", "text@before_own", "face", heads=2, layers=3)
    assert head.count_weights({"text": 50, "text@before_own": 4, "face": 70}) == 6**2 * 2 * 3

import torch

from pipeline.encoders.shared.pieces import arrange_ids, join_pieces, measure_shapes, run_pieces
from pipeline.networks.batches import Batcher


def make_piece(ids, **media):
    return {**arrange_ids(ids), **media}


def test_tokens_are_padded_on_the_right_and_masked():
    joined = join_pieces([make_piece([5, 6, 7]), make_piece([8])], padding=2)
    assert joined["input_ids"].tolist() == [[5, 6, 7], [8, 2, 2]]
    assert joined["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_media_of_pieces_follow_one_another():
    pieces = [make_piece([5] * n, pixels=torch.full((n, 7, 3), n)) for n in (2, 3)]
    assert join_pieces(pieces, 0)["pixels"][:, 0, 0].tolist() == [2, 2, 3, 3, 3]


def test_shapes_leave_out_how_many_tokens_and_media_there_are():
    short, long = (make_piece([5] * n, pixels=torch.zeros(n + 1, 7, 3)) for n in (2, 3))
    other = make_piece([5], pixels=torch.zeros(2, 11, 3))
    assert measure_shapes(short) == measure_shapes(long) != measure_shapes(other)


def test_pieces_that_cannot_be_joined_go_apart_and_come_back_in_order():
    pieces = [make_piece([n], pixels=torch.zeros(1, 7 + n % 2)) for n in range(5)]
    calls = []

    def compute(batch):
        calls.append(len(batch))
        return [piece["input_ids"].item() for piece in batch]

    assert run_pieces(pieces, Batcher(100), compute) == [0, 1, 2, 3, 4]
    assert sorted(calls) == [2, 3]

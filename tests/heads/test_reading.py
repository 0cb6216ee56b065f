import pytest
import torch
from torch import Tensor

from pipeline.errors import ParamsError
from pipeline.heads.reading import CELLS, SOLVED, TRAINED, LayerMixer, Reader, make_reader
from pipeline.modalities import RowShape
from tests.stores import make_stream


def read(rows: Tensor, *, layered: bool = False, readers=TRAINED) -> Tensor:
    """Vector of the first of two rows, of which the second is absent."""
    reader = make_reader("audio", RowShape.of(rows.shape, layered=layered), readers)
    stream = make_stream(torch.stack([rows, rows])[None])
    stream.mask[0, 1] = False
    found = reader(stream).rows
    assert found.shape == (1, 2, reader.dim)
    assert not found[0, 1].any()
    return found[0, 0].detach()


@pytest.mark.parametrize("sizes", [(0,), (0, 5), (3, 0, 0)])
def test_rows_of_no_numbers_are_refused(sizes):
    with pytest.raises(ParamsError, match=r"audio: expected rows of dim, .*, got "):
        make_reader("audio", RowShape.of(sizes), CELLS)


def test_columns_are_shifted_and_scaled():
    reader = Reader(RowShape.of((2,)))
    reader.set_moments(torch.tensor([1.0, -1.0]), torch.tensor([2.0, 4.0]))
    assert reader(make_stream(torch.tensor([[[3.0, 3.0]]]))).rows.tolist() == [[[1.0, 1.0]]]


def test_columns_that_do_not_vary_are_left_unscaled():
    reader = Reader(RowShape.of((3,)))
    reader.set_moments(torch.tensor([1000.0, 0.0, 1e-5]), torch.tensor([1e-5, 0.0, 1e-5]))
    found = reader(make_stream(torch.tensor([[[1001.0, 2.0, 3e-5]]])))
    torch.testing.assert_close(found.rows, torch.tensor([[[1.0, 2.0, 2.0]]]))


def test_rows_of_half_precision_are_standardised_in_single():
    stream = make_stream(torch.ones(2, 3, 5, dtype=torch.float16))
    assert Reader(RowShape.of((5,)))(stream).rows.dtype == torch.float32


LAYERS = torch.tensor([[1.0, 2.0, 3.0], [3.0, 6.0, 9.0]])


def test_layers_begin_as_their_mean_and_are_weighed_by_shares():
    assert read(LAYERS, layered=True).tolist() == [2.0, 4.0, 6.0]
    mixer = LayerMixer(RowShape.of((2, 3), layered=True))
    mixer.load_state_dict({"weights": torch.tensor([0.0, 3.0]).log1p()}, strict=False)
    torch.testing.assert_close(mixer.shares, torch.tensor([0.2, 0.8]))
    found = mixer(make_stream(LAYERS[None, None]))
    torch.testing.assert_close(found.rows[0, 0], torch.tensor([2.6, 5.2, 7.8]))


def test_layers_of_a_solved_head_stand_side_by_side():
    assert read(LAYERS, layered=True, readers=SOLVED).tolist() == [1, 2, 3, 3, 6, 9]


@pytest.mark.parametrize("readers", [TRAINED, SOLVED])
def test_tokens_are_averaged_at_first(readers):
    assert read(LAYERS, readers=readers).tolist() == [2.0, 4.0, 6.0]


def test_a_token_that_meets_the_query_counts_for_more():
    reader = TRAINED["tokens", "dim"](RowShape.of((2, 3)))
    reader.load_state_dict({"query": torch.tensor([9.0, 0.0, 0.0])}, strict=False)
    found = reader(make_stream(LAYERS[None, None]))
    torch.testing.assert_close(found.rows[0, 0], LAYERS[1], rtol=1e-3, atol=1e-3)


def test_a_map_gives_the_mean_of_each_channel():
    places = torch.arange(2 * 3 * 5, dtype=torch.float32).reshape(2, 3, 5)
    assert read(places).tolist() == [7.0, 22.0]


@pytest.mark.parametrize(
    ("sizes", "layered", "columns"),
    [((7,), False, (7,)), ((2, 7), True, (2, 7)), ((3, 7), False, (7,)), ((5, 2, 3), False, (5,))],
)
def test_moments_are_taken_over_all_places_of_a_column(sizes, layered, columns):
    reader = make_reader("face", RowShape.of(sizes, layered=layered), TRAINED)
    rows = torch.randn(11, *sizes)
    values = reader.list_columns(rows)
    assert values.shape[1:] == columns
    reader.set_moments(values.mean(dim=0), values.std(dim=0, correction=0))
    standardised = (rows - reader.spread("mean")) / reader.spread("scale")
    found = reader.list_columns(standardised)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(columns), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.std(dim=0, correction=0), torch.ones(columns))

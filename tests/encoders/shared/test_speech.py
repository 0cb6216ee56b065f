import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.encoders.shared.speech import (
    BLOCK_SAMPLES,
    Grid,
    cut_sound,
    measure_energy,
    measure_level,
    trace_front,
)

HUBERT = Grid(320, 400)
GRIDS = [HUBERT, Grid(320, 1), Grid(1_600, 2_800)]


def test_the_grid_of_published_front_ends_is_a_row_every_20_ms():
    assert trace_front((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)) == HUBERT


@pytest.mark.parametrize(
    ("samples", "rows"), [(0, 0), (399, 0), (400, 1), (719, 1), (720, 2), (16_000, 49)]
)
def test_a_row_hears_its_whole_field(samples, rows):
    assert HUBERT.count(samples) == rows


def test_a_row_stands_for_one_stride_in_the_middle_of_its_field():
    starts, ends = HUBERT.stretch(2, 720)
    np.testing.assert_allclose(starts, [0.0025, 0.0225])
    np.testing.assert_allclose(ends, [0.0225, 0.0425])


@pytest.mark.parametrize("grid", GRIDS)
@given(samples=st.integers(0, 300_000))
def test_stretches_lie_inside_the_sound_and_follow_one_another(grid, samples):
    starts, ends = grid.stretch(grid.count(samples), samples)
    assert (starts < ends).all()
    assert (starts[1:] == pytest.approx(ends[:-1])) or len(starts) < 2
    assert starts.min(initial=0) >= 0
    assert ends.max(initial=0) <= samples / 16_000


@pytest.mark.parametrize("grid", GRIDS)
@given(samples=st.integers(0, 2_000_000), most=st.integers(10_000, 500_000))
def test_pieces_give_every_row_once_and_are_bounded(grid, samples, most):
    pieces = cut_sound(7, samples, grid, most)
    kept = [row for piece in pieces for row in range(piece.first, piece.first + piece.rows)]
    assert kept == list(range(grid.count(samples)))
    for piece in pieces:
        assert len(piece) <= most
        assert 0 <= piece.start < piece.stop <= samples
        assert piece.start == (piece.first - piece.skip) * grid.stride
        assert grid.count(len(piece)) >= piece.skip + piece.rows


def test_a_chunk_hears_a_second_around_the_rows_that_are_kept_of_it():
    first, middle, last = cut_sound(0, 16_000 * 80, HUBERT, 16_000 * 30)
    assert (first.skip, middle.skip, last.skip) == (0, 50, 50)
    assert HUBERT.count(len(first)) == first.rows + 50
    assert HUBERT.count(len(middle)) == middle.rows + 100
    assert HUBERT.count(len(last)) == last.rows + 50


def test_a_level_is_mean_and_deviation_whatever_the_length():
    samples = np.random.default_rng(2).standard_normal(BLOCK_SAMPLES + 977).astype(np.float32)
    mean, deviation = measure_level(samples + np.float32(0.5), 1e-5)
    assert mean == pytest.approx(samples.mean(dtype=np.float64) + 0.5, abs=1e-6)
    assert deviation == pytest.approx(np.sqrt(samples.var(dtype=np.float64) + 1e-5), abs=1e-6)


@pytest.mark.parametrize("grid", GRIDS)
def test_energy_of_a_row_is_the_mean_square_of_its_stretch(grid):
    samples = np.random.default_rng(3).standard_normal(BLOCK_SAMPLES * 2 + 977).astype(np.float32)
    found = measure_energy(samples, grid)
    starts, ends = grid.stretch(grid.count(len(samples)), len(samples))
    for row in (0, 1, BLOCK_SAMPLES // grid.stride, len(found) - 1):
        stretch = samples[round(starts[row] * 16_000) : round(ends[row] * 16_000)]
        assert found[row] == pytest.approx(np.square(stretch).mean(), rel=1e-4)


@pytest.mark.parametrize("grid", GRIDS)
@given(samples=st.integers(0, 20_000))
def test_every_row_has_an_energy(grid, samples):
    assert (measure_energy(np.ones(samples, np.float32), grid) == 1).all()

import io

import pytest
from rich.console import Console

from pipeline.audits.planning import Forecast
from pipeline.cli.forecasts import tabulate_forecasts, write_duration


def show(*forecasts: Forecast) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=132).print(tabulate_forecasts(forecasts))
    lines = file.getvalue().splitlines()
    return [" ".join(line.split()) for line in lines if line.strip()]


def test_a_stage_is_a_line() -> None:
    lines = show(Forecast("faces", 1234, 2345, 7200.0, 61.0, 64_000_000, "from 3 clips"))
    assert lines[2] == "faces 1,234 2,345 2 h 00 min 64.0 MB 1 min 01 s from 3 clips"


def test_what_is_measured_is_added_up() -> None:
    lines = show(
        Forecast("clean", 2, 3, 5.0, 1.5, 1000, ""),
        Forecast("faces", 2, 3, 5.0, 2.0, 2000, ""),
        Forecast("train@mlp", 3, 3, 0.0, None, None, "not timed"),
    )
    assert lines[-2] == "train@mlp 3 3 – – – not timed"
    assert lines[-1] == "total 3.0 kB 3.5 s of what is measured"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0.0 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125.4, "2 min 05 s"),
        (6000.0, "1 h 40 min"),
    ],
)
def test_times_have_units(seconds: float | None, text: str) -> None:
    assert write_duration(seconds) == text

"""Forecasts as a table: what each stage would do, and what is known of all of them together."""

from collections.abc import Sequence

from rich.table import Table

from pipeline.audits.planning import Forecast
from pipeline.cli.printing import tabulate, write_bytes

COLUMNS = ("stage", "clips to do", "of", "media", "to write", "time", "estimated")
DASH = "–"


def tabulate_forecasts(forecasts: Sequence[Forecast]) -> Table:
    """One row per stage, and a last one that adds up what was measured."""
    table = tabulate(COLUMNS, map(_list_cells, forecasts))
    for column in table.columns[1:-1]:
        column.justify = "right"
    table.add_section()
    written = sum(forecast.bytes or 0 for forecast in forecasts)
    seconds = sum(forecast.seconds or 0.0 for forecast in forecasts)
    total = (write_bytes(written), write_duration(seconds), "of what is measured")
    table.add_row("total", "", "", "", *total)
    return table


def _list_cells(forecast: Forecast) -> tuple[str, ...]:
    return (
        forecast.stage,
        f"{forecast.to_do:,}",
        f"{forecast.clips:,}",
        write_duration(forecast.media_seconds or None),
        DASH if forecast.bytes is None else write_bytes(forecast.bytes),
        write_duration(forecast.seconds),
        forecast.remark,
    )


def write_duration(seconds: float | None) -> str:
    """Time for people, a dash for None: `1.3 s`, `2 min 05 s`, `1 h 40 min`."""
    if seconds is None:
        return DASH
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min"

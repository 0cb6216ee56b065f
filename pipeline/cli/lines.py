"""Lines that commands print."""

import typer


def say(text: str, *, err: bool = False) -> None:
    """Print a line as it stands, with what a terminal would obey as escapes."""
    from pipeline.errors import show_line

    typer.echo(show_line(text), err=err)

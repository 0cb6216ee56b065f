"""Stage `check`: params.yaml is valid as a whole."""

from pipeline.params import load_params
from pipeline.stage import run_stage


def main() -> None:
    """Write nothing; a mistake ends the run before anything is spent."""
    load_params()


if __name__ == "__main__":
    run_stage(main)

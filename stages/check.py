"""Stage `check`: params.yaml is valid as a whole; what each of the other stages rests on."""

from pipeline.params import load_params
from pipeline.paths import PREMISES, PROJECT
from pipeline.premises import write_premises
from pipeline.stage import run_stage


def main() -> None:
    """Write data/premises; a mistake in params.yaml ends the run before anything is spent."""
    write_premises(load_params(), PROJECT, PREMISES)


if __name__ == "__main__":
    run_stage(main)

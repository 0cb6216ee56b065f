"""Stage `join@<name>`: several feature sets as one input of heads."""

from pipeline.params import parse_joint, read_checked
from pipeline.paths import FEATURES
from pipeline.stage import read_name, run_stage
from pipeline.store.joint import join_sets


def main() -> None:
    """Write features/<name>."""
    name = read_name()
    joint = parse_joint(read_checked())[name]
    join_sets(FEATURES / name, [joint.first, joint.second])


if __name__ == "__main__":
    run_stage(main, [FEATURES / read_name()])

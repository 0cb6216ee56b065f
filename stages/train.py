"""Stage `train@<head>`: one head on every run of the splits."""

import sys

import torch

from pipeline.params import expand_set, parse_feature, parse_head, parse_joint, read_yaml
from pipeline.paths import FEATURES, MODELS, TARGETS
from pipeline.stage import run_stage
from pipeline.training.saving import train_head
from pipeline.windows.dataset import check_encoders
from pipeline.windows.labels import read_labels


def main() -> None:
    """Write models/<head>."""
    torch.set_num_threads(1)  # heads are small: more threads cost more than they give
    name = sys.argv[1]
    sections = read_yaml()
    params = parse_head(sections, name)
    joint = parse_joint(sections)
    sets = [member for name in params.inputs.sets().values() for member in expand_set(name, joint)]
    encoders = {name: parse_feature(sections, name).encoder for name in sets}
    check_encoders(FEATURES, encoders)
    train_head(name, params, FEATURES, read_labels(TARGETS), MODELS / name)


if __name__ == "__main__":
    run_stage(main)

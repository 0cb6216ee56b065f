"""Stage `train@<head>`: one head on every run of the splits."""

import torch

from pipeline.params import ask_head, read_checked
from pipeline.paths import FEATURES, MODELS, TARGETS
from pipeline.stage import read_name, run_stage
from pipeline.training.saving import train_head
from pipeline.windows.dataset import check_encoders
from pipeline.windows.labels import read_labels


def main() -> None:
    """Write models/<head>."""
    torch.set_num_threads(1)  # heads are small: more threads cost more than they give
    asked = ask_head(read_checked(), read_name())
    check_encoders(FEATURES, {set_: made["encoder"] for set_, made in asked.features.items()})
    train_head(asked, FEATURES, read_labels(TARGETS), MODELS / asked.name)


if __name__ == "__main__":
    run_stage(main, [MODELS / read_name()])

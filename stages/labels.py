"""Stage `labels`: the corpus's own files → tables of clips, targets and frame labels."""

import sys
from pathlib import Path

from pipeline.errors import show_line
from pipeline.labels.labelling import find_overlaps, label_corpus, write_labels
from pipeline.labels.splits import SplitParams
from pipeline.params import parse_corpus, parse_plain, read_checked
from pipeline.paths import LABELS, OVERRIDES, TARGETS
from pipeline.stage import held_still, run_stage


def main() -> None:
    """Write data/labels, data/targets; say what was assumed, and what is on two sides."""
    sections = read_checked()
    corpus, splits = parse_corpus(sections), parse_plain(sections, SplitParams)
    with held_still(Path(corpus.depends_on), OVERRIDES):
        labelled = label_corpus(corpus, splits, OVERRIDES)
    for told in [*labelled.remarks, *find_overlaps(labelled)]:
        print(f"labels: {show_line(told)}", file=sys.stderr)
    write_labels(labelled, LABELS, TARGETS)


if __name__ == "__main__":
    run_stage(main, [LABELS, TARGETS])

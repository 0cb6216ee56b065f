"""Stage `labels`: the corpora's own files → tables of clips, targets and frame labels."""

import sys
from pathlib import Path

from pipeline.errors import show_line
from pipeline.labels.labelling import label_corpora, write_labels
from pipeline.labels.params import SplitParams
from pipeline.labels.reading import read_corpus
from pipeline.labels.runs import find_overlaps
from pipeline.params import parse_corpora, parse_plain, read_checked
from pipeline.paths import LABELS, OVERRIDES, SPLITS, TARGETS
from pipeline.stage import held_still, run_stage


def main() -> None:
    """Write data/labels, data/targets; say what was assumed, and what is on two sides."""
    sections = read_checked()
    corpora, splits = parse_corpora(sections), parse_plain(sections, SplitParams)
    watched = [Path(corpus.depends_on) for corpus in corpora.values()]
    with held_still(*watched, OVERRIDES, SPLITS):
        read = {name: read_corpus(corpus, name) for name, corpus in corpora.items()}
        labelled = label_corpora(read, corpora, splits, OVERRIDES, SPLITS)
    for told in [*labelled.remarks, *find_overlaps(labelled.clips, labelled.targets)]:
        print(f"labels: {show_line(told)}", file=sys.stderr)
    write_labels(labelled, LABELS, TARGETS)


if __name__ == "__main__":
    run_stage(main, [LABELS, TARGETS])

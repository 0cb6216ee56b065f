"""Stage `labels`: the corpus's own files → tables of clips, targets and frame labels."""

from pipeline.labelling import label_corpus, write_labels
from pipeline.params import parse_corpus, parse_plain, read_yaml
from pipeline.paths import LABELS, OVERRIDES
from pipeline.splits import SplitParams
from pipeline.stage import run_stage


def main() -> None:
    """Write data/labels."""
    sections = read_yaml()
    corpus, splits = parse_corpus(sections), parse_plain(sections, SplitParams)
    write_labels(label_corpus(corpus, splits, OVERRIDES), LABELS)


if __name__ == "__main__":
    run_stage(main)

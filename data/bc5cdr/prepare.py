"""Bring BC5CDR (chemicals and diseases) into the form that tagger reads, and check that it is the
published corpus.

python data/bc5cdr/prepare.py --from FOLDER

FOLDER is your copy: train.tsv, devel.tsv (or dev.tsv) and test.tsv.
python data/bc5cdr/prepare.py --hub            from the Hugging Face Hub
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preparing import Corpus, Counts, main

CORPUS = Corpus(
    name="BC5CDR",
    layouts=(("train.tsv", "devel.tsv", "test.tsv"), ("train.tsv", "dev.tsv", "test.tsv")),
    hub="extraordinarylab/bc5cdr",
    separator="\t",
    published={
        "train": Counts(4_560, None, 9_385),
        "dev": Counts(4_581, None, 9_593),
        "test": Counts(4_797, None, 9_809),
    },
)

if __name__ == "__main__":
    sys.exit(main(CORPUS, Path(__file__).parent))

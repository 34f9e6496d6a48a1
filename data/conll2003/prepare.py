"""Bring CoNLL-2003 English into the form that tagger reads, and check that it is the published
corpus.

python data/conll2003/prepare.py --from FOLDER    your copy: eng.* or {train,valid,test}.txt
python data/conll2003/prepare.py --hub            from the Hugging Face Hub
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preparing import Corpus, Counts, main

CORPUS = Corpus(
    name="CoNLL-2003 English",
    layouts=(("eng.train", "eng.testa", "eng.testb"), ("train.txt", "valid.txt", "test.txt")),
    hub="BramVanroy/conll2003",
    separator=" ",
    published={
        "train": Counts(14_041, 203_621, 23_499),
        "dev": Counts(3_250, 51_362, 5_942),
        "test": Counts(3_453, 46_435, 5_648),
    },
)

if __name__ == "__main__":
    sys.exit(main(CORPUS, Path(__file__).parent))

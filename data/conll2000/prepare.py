"""Bring CoNLL-2000 (chunking) into the form that tagger reads, and check that it is the published
corpus.

python data/conll2000/prepare.py --from FOLDER    your copy: train.txt, test.txt
python data/conll2000/prepare.py --hub            from the Hugging Face Hub
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preparing import Corpus, Counts, main

CORPUS = Corpus(
    name="CoNLL-2000",
    layouts=(("train.txt", "test.txt"),),
    hub="eriktks/conll2000",
    separator=" ",
    published={  # train and dev together: 8,936 sentences, 211,727 tokens, 106,978 chunks
        "train": Counts(7_936, 188_059, 95_219),
        "dev": Counts(1_000, 23_668, 11_759),
        "test": Counts(2_012, 47_377, 23_852),
    },
    held_out=1_000,
)

if __name__ == "__main__":
    sys.exit(main(CORPUS, Path(__file__).parent))

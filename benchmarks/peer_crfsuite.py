"""A worker of CRFsuite with the usual Python features, those of sklearn-crfsuite's tutorial: CoNLL
file in, CoNLL file out.

Trained for 50 iterations on the first sentences; its F1 means nothing.
"""

from __future__ import annotations

import argparse

import peer_columns
import pycrfsuite
import rounds

Features = dict[str, object]


def features(tokens: list[str]) -> list[Features]:
    """What the tutorial gives of each token and its neighbours, without parts of speech."""
    return [_features(tokens, place) for place in range(len(tokens))]


def _features(tokens: list[str], place: int) -> Features:
    word = tokens[place]
    found: Features = {
        "bias": 1.0,
        "word.lower()": word.lower(),
        "word[-3:]": word[-3:],
        "word[-2:]": word[-2:],
        "word.isupper()": word.isupper(),
        "word.istitle()": word.istitle(),
        "word.isdigit()": word.isdigit(),
    }
    for name, there in (("-1", place - 1), ("+1", place + 1)):
        if 0 <= there < len(tokens):
            near = tokens[there]
            found[f"{name}:word.lower()"] = near.lower()
            found[f"{name}:word.istitle()"] = near.istitle()
            found[f"{name}:word.isupper()"] = near.isupper()
        else:
            found["BOS" if there < 0 else "EOS"] = True
    return found


def trained(path: str, count: int, model: str) -> pycrfsuite.Tagger:
    """A tagger whose file is `model`."""
    trainer = pycrfsuite.Trainer(
        algorithm="lbfgs", params={"c1": 0.1, "c2": 0.1, "max_iterations": 50}, verbose=False
    )
    for tokens, tags in peer_columns.annotated(path, count):
        trainer.append(features(tokens), tags)
    trainer.train(model)
    tagger = pycrfsuite.Tagger()
    tagger.open(model)
    return tagger


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("train", "source", "target"):
        parser.add_argument(name)
    parser.add_argument("--sentences", type=int, default=4000)
    options = parser.parse_args()
    tagger = trained(options.train, options.sentences, f"{options.target}.model")

    def tag() -> int:
        tagged = (
            (lines, tagger.tag(features(tokens)))
            for lines, tokens in peer_columns.sentences(options.source)
        )
        return peer_columns.write(tagged, options.target)

    rounds.serve(lambda: tag)


if __name__ == "__main__":
    main()

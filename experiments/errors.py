"""Which spans a model misses: by label, by whether train has them, and by the kind of error.

python experiments/errors.py data/conll2003/train.conll data/conll2003/dev.conll RUN [RUN ...]

Recall of gold spans that occur in train with this label, occur with another alone, have only words
that train knows, or have a word unknown to train. Then errors: *label* (the same words, another
label), *boundary* (the same label, overlapping), *both* (overlapping, another label), *missed*
(nothing overlaps) and *invented* (a predicted span that overlaps no gold span).
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tagger.inference import predictor
from tagger.text import annotation
from tagger.text.spans import Sentence, Span

KNOWN = (
    "seen with this label",
    "seen with another label",
    "unseen, words known",
    "unseen, a word unknown",
)


def mention(sentence: Sentence, span: Span) -> tuple[str, ...]:
    return sentence.tokens[span.start : span.end]


def kind(span: Span, others: Iterable[Span]) -> str:
    """How a gold span that was not found differs from what was predicted in its place."""
    overlapping = [other for other in others if other.start < span.end and span.start < other.end]
    if any((other.start, other.end) == (span.start, span.end) for other in overlapping):
        return "label"
    if any(other.label == span.label for other in overlapping):
        return "boundary"
    return "both" if overlapping else "missed"


def analysed(
    train: Sequence[Sentence], gold: Sequence[Sentence], predicted: Sequence[Sentence]
) -> tuple[dict, dict]:
    """(found, all) by label and familiarity; number of errors by label and kind."""
    words = {word for sentence in train for word in sentence.tokens}
    labels = defaultdict(set)
    for sentence in train:
        for span in sentence.spans or ():
            labels[mention(sentence, span)].add(span.label)
    recall: dict[tuple[str, str], Counter] = defaultdict(Counter)
    errors: Counter = Counter()
    for right, guess in zip(gold, predicted, strict=True):
        found = {(span.start, span.end, span.label) for span in guess.spans or ()}
        for span in right.spans or ():
            known = labels.get(mention(right, span), set())
            if known:
                familiarity = KNOWN[0] if span.label in known else KNOWN[1]
            else:
                familiarity = KNOWN[2] if words.issuperset(mention(right, span)) else KNOWN[3]
            hit = (span.start, span.end, span.label) in found
            recall[span.label, familiarity].update(all=1, found=int(hit))
            if not hit:
                errors[span.label, kind(span, guess.spans or ())] += 1
        for span in guess.spans or ():
            if not any(
                other.start < span.end and span.start < other.end for other in right.spans or ()
            ):
                errors[span.label, "invented"] += 1
    return recall, errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train")
    parser.add_argument("file")
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    model = predictor.load(*options.runs, precision="float32")
    data = model.bundle.config.data
    train, gold = (
        annotation.read(path, data.reading, data.scheme).sentences
        for path in (options.train, options.file)
    )
    recall, errors = analysed(train, gold, list(model.predict(gold)))
    print("| label | " + " | ".join(KNOWN) + " |\n|---" + "|---:" * len(KNOWN) + "|")
    for label in model.labels:
        cells = [recall[label, familiarity] for familiarity in KNOWN]
        print(
            f"| {label} | "
            + " | ".join(
                f"{100 * c['found'] / max(c['all'], 1):.1f} of {c['all']:,}" for c in cells
            )
            + " |"
        )
    kinds = ("label", "boundary", "both", "missed", "invented")
    print("\n| label | " + " | ".join(kinds) + " |\n|---" + "|---:" * len(kinds) + "|")
    for label in model.labels:
        print(f"| {label} | " + " | ".join(str(errors[label, name]) for name in kinds) + " |")


if __name__ == "__main__":
    main()

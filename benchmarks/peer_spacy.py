"""A worker of spaCy: `tok2vec` and `ner` of the small size, CoNLL file in, CoNLL file out.

The layers are those of spaCy's small English models (96 wide, four convolutions over four hashed
features), but with one tok2vec where those have two. Trained for a pass over the first sentences,
so that it does find entities; its F1 means nothing.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator

import peer_columns
import rounds
import spacy
from spacy.tokens import Doc
from spacy.training import Example, biluo_tags_to_spans, iob_to_biluo

TOK2VEC = {
    "@architectures": "spacy.Tok2Vec.v2",
    "embed": {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 96,
        "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
        "rows": [5000, 1000, 2500, 2500],
        "include_static_vectors": False,
    },
    "encode": {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": 96,
        "depth": 4,
        "window_size": 1,
        "maxout_pieces": 3,
    },
}
NER = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 64,
    "maxout_pieces": 2,
    "use_upper": True,
    "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 96},
}


def trained(path: str, count: int) -> spacy.Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    nlp.add_pipe("ner", config={"model": NER})
    examples = []
    for tokens, tags in peer_columns.annotated(path, count):
        doc = Doc(nlp.vocab, words=tokens)
        doc.set_ents(biluo_tags_to_spans(doc, iob_to_biluo(tags)))
        examples.append(Example(Doc(nlp.vocab, words=tokens), doc))
    nlp.initialize(lambda: examples)
    random.Random(1).shuffle(examples)
    for batch in spacy.util.minibatch(examples, 32):
        nlp.update(batch, drop=0.1)
    return nlp


def tag(nlp: spacy.Language, source: str, target: str, processes: int) -> int:
    """Read, tag and write; the number of tokens."""

    def docs() -> Iterator[tuple[Doc, list[str]]]:
        for lines, tokens in peer_columns.sentences(source):
            yield Doc(nlp.vocab, words=tokens), lines

    tagged = nlp.pipe(docs(), as_tuples=True, n_process=processes)
    return peer_columns.write(
        (
            (lines, [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc])
            for doc, lines in tagged
        ),
        target,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("train", "source", "target"):
        parser.add_argument(name)
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    nlp = trained(options.train, options.sentences)
    rounds.serve(lambda: lambda: tag(nlp, options.source, options.target, options.processes))


if __name__ == "__main__":
    main()

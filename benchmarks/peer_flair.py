"""A worker of Flair: a `SequenceTagger` of the shape of its ner-english-fast, CoNLL file in, CoNLL
file out.

Word vectors of 100, `FlairEmbeddings` of given language models, 256 units, a CRF; otherwise Flair's
defaults. Untrained: values cost no time; it is made to find next to nothing, for which Flair needs
the least.
"""

from __future__ import annotations

import argparse
import logging

import flair
import peer_columns
import rounds
import torch
from flair.data import Dictionary, Sentence
from flair.embeddings import FlairEmbeddings, StackedEmbeddings, WordEmbeddings
from flair.models import LanguageModel, SequenceTagger
from peer_torch_language_models import LanguageModel as Arrays

VECTORS, UNITS = 100, 256
LABELS = ("LOC", "MISC", "ORG", "PER")
LABEL = "ner"
OUTSIDE = 10.0


def language_model(path: str) -> LanguageModel:
    """A model of Flair's with the weights of a file."""
    read = Arrays(path)
    characters = Dictionary(add_unk=True)
    for character in read.characters[1:]:
        characters.add_item(character)
    model = LanguageModel(
        characters, not read.backward, read.units, read.layers, read.embedding, has_decoder=False
    )
    model.load_state_dict(read.arrays)
    return model.eval()


def word_vectors(source: str) -> WordEmbeddings:
    """Random vectors of all words of a file."""
    words = sorted(
        {word.lower() for _, tokens in peer_columns.sentences(source) for word in tokens}
    )
    vocabulary = {word: number for number, word in enumerate(words)}
    vectors = WordEmbeddings(None, vocab=vocabulary, embedding_length=VECTORS, name="vectors")
    torch.nn.init.normal_(vectors.embedding.weight)
    return vectors


def untrained(source: str, models: list[str]) -> SequenceTagger:
    tags = Dictionary(add_unk=False)
    tags.span_labels = True
    for label in LABELS:
        tags.add_item(label)
    embeddings = StackedEmbeddings(
        [
            word_vectors(source),
            *(FlairEmbeddings(language_model(path), name=path) for path in models),
        ]
    )
    tagger = SequenceTagger(embeddings, tags, LABEL, hidden_size=UNITS)
    with torch.no_grad():
        tagger.linear.bias[tagger.label_dictionary.get_idx_for_item("O")] = OUTSIDE
    return tagger.eval()


def tag(tagger: SequenceTagger, source: str, target: str) -> int:
    """Read, tag and write; the number of tokens."""
    lines, texts = zip(*peer_columns.sentences(source), strict=True)
    sentences = [Sentence(tokens) for tokens in texts]
    tagger.predict(sentences, mini_batch_size=32)
    return peer_columns.write(zip(lines, map(tags_of, sentences), strict=True), target)


def tags_of(sentence: Sentence) -> list[str]:
    tags = ["O"] * len(sentence)
    for span in sentence.get_spans(LABEL):
        first, *others = (token.idx - 1 for token in span)
        tags[first] = f"B-{span.tag}"
        for number in others:
            tags[number] = f"I-{span.tag}"
    return tags


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    logging.getLogger("flair").handlers.clear()  # it would write where our answers go
    flair.device = torch.device("cpu")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    tagger = untrained(options.source, options.models)
    rounds.serve(lambda: lambda: tag(tagger, options.source, options.target))


if __name__ == "__main__":
    main()

"""What a trained model's table of vectors may be trimmed to: its size on disk beside the F1 on an
annotated file.

python experiments/vector_sizes.py runs/accuracy/conll2003-all-vectors/1 data/conll2003/dev.conll

The words of the training vocabulary are always kept, as `data.keep_vectors` does.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from tagger.bundles import tagger_files as bundles
from tagger.evaluation.run import score_model
from tagger.features.encode import WordFeatures
from tagger.features.inputs.vectors import VectorsInput
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor

KEPT = (0, 200_000, 100_000, 50_000, 20_000, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("file")
    options = parser.parse_args()
    bundle = bundles.load(options.run)
    inputs = bundle.features.inputs
    assert "vectors" in inputs, "the model has no vectors"
    vectors = inputs["vectors"].vectors
    print("| keep_vectors | rows | MB in float16 | F1 |\n|---:|---:|---:|---:|")
    for keep in KEPT:
        table = vectors.truncated(keep, bundle.features.words.words) if keep else vectors
        smaller = replace(bundle, features=WordFeatures({**inputs, "vectors": VectorsInput(table)}))
        model = Predictor(EnsembleMember(smaller, OnnxTagger(smaller)))
        f1 = score_model(
            model, [options.file], bundle.config.data.reading, bundle.config.data.scheme
        ).conlleval.f1
        print(
            f"| {keep or 'all'} | {len(table):,} | {len(table) * table.dimension * 2 / 1e6:.0f} | "
            f"{f1:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

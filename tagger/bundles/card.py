"""What a model is, in words: for `tagger info`, and for the README.md that lies in its folder."""

from __future__ import annotations

from tagger.bundles.tagger import INT8, Bundle, graph_names
from tagger.bundles.tagger_weights import input_configs
from tagger.heads import HEADS
from tagger.text import schemes

__all__ = ["card", "describe"]


def describe(bundle: Bundle) -> dict[str, str]:
    """What a reader wants to know of a model, by topic, in words."""
    model, dev = bundle.config.model, bundle.metrics.get("dev", {})
    depth = (
        f"{model.layers} x {model.units} units, "
        f"{'both directions' if model.bidirectional else 'forwards'}"
    )
    hidden = (
        f", then {' and '.join(map(str, model.hidden))} units on every output"
        if model.hidden
        else ""
    )
    description = HEADS[model.head].description
    head = f", {description}" if description else ""
    return {
        "predicts": f"{'plain tags' if bundle.scheme == schemes.PLAIN else 'spans'}: "
        f"{', '.join(bundle.labels)}",
        "words": _inputs(bundle),
        "network": f"{model.cell}, {depth}{hidden}{head}",
        "parameters": f"{sum(array.size for array in bundle.weights.values()):,}",
        "vocabulary": f"{len(bundle.features.words):,}",
        "tokenizer": bundle.config.data.tokenizer,
        "trained on": f"{bundle.config.data.train or bundle.config.data.hub}, scheme "
        f"{bundle.scheme}, "
        f"{bundle.metrics.get('train_sentences', 0):,} sentences, seed "
        f"{bundle.config.training.seed}",
        **_teachers(bundle),
        "on dev": ", ".join(f"{name} {value}" for name, value in dev.items())
        + f" (epoch {bundle.metrics.get('best_epoch')})",
        "sentences": _agreement(bundle),
        "predicts in": _precision(bundle),
    }


def _teachers(bundle: Bundle) -> dict[str, str]:
    """From whom the model learnt beside train, if there was anybody."""
    distillation = bundle.config.distillation
    if not distillation.teachers:
        return {}
    teachers, text = ", ".join(distillation.teachers), ", ".join(distillation.text)
    return {"taught by": f"{teachers}, on {text} (at most about {distillation.tokens:,} tokens)"}


def _agreement(bundle: Bundle) -> str:
    """Whether the sentences of a document help each other, and why."""
    measured = bundle.metrics.get("agreement")
    if measured is None:
        return "each is tagged for itself"
    scores = f"dev score {measured['score']} with it, {measured['without']} without"
    how = "help each other within a document" if measured["weight"] else "each is tagged for itself"
    return f"{how} ({scores})"


def _precision(bundle: Bundle) -> str:
    """Of its two precisions, the one that it predicts in, and why."""
    measured = bundle.metrics.get("int8")
    if INT8 not in graph_names(bundle.config.model):
        return "float32"
    if measured is None:
        return "float32; int8 was not measured on dev: tagger export RUN FILE"
    scores = f"dev score {measured['score']} in int8, {measured['float32']} in float32"
    return f"{bundle.metrics.get('precision', 'float32')} ({scores})"


def _inputs(bundle: Bundle) -> str:
    """Return the inputs of the network, in words."""
    if bundle.config.model.input == "one-hot":
        return "one-hot"
    configs = input_configs(bundle.config.model, bundle.features)
    inputs = bundle.features.inputs
    return ", ".join(inputs[name].describe(config) for name, config in configs.items())


def card(bundle: Bundle) -> str:
    """The README.md of a model's folder."""
    facts = "\n".join(f"- {topic}: {fact}" for topic, fact in describe(bundle).items())
    return f"""# A sequence tagger

Made with `tagger train`; `config.toml` holds every setting.

{facts}

Use it with `tagger predict THIS_FOLDER FILE`, or `tagger.load(folder).tag(text)` in Python.
Text of another kind than the training data will be tagged less well than the figures above say.
"""

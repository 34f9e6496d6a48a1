"""Descriptions of a tagger in words: the facts of `tagger info` and the README.md of its folder."""

from __future__ import annotations

from tagger.bundles.encoder import describe_inputs, describe_layers
from tagger.bundles.tagger import INT8, Bundle, graph_names
from tagger.heads import HEADS
from tagger.text import schemes

__all__ = ["card", "describe"]


def describe(bundle: Bundle) -> dict[str, str]:
    """Return the facts about a tagger that `tagger info` shows.

    Args:
        bundle: The tagger; nothing is read but its settings, metrics and array sizes.

    Returns:
        Facts in words by topic, in the order in which they are shown: "predicts", "inputs",
        "network", "parameters", "vocabulary", "tokenizer", "trained on", "teachers" (of distilled
        models only), "dev score", "document consistency", "decoding", "probabilities" and
        "reliability" (of models of spans that were measured), and "precision".
    """
    model = bundle.config.model
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
        "inputs": describe_inputs(model, bundle.features),
        "network": f"{describe_layers(model)}{hidden}{head}",
        "parameters": f"{sum(array.size for array in bundle.weights.values()):,}",
        "vocabulary": f"{len(bundle.features.words):,}",
        "tokenizer": bundle.config.data.tokenizer,
        "trained on": f"{', '.join(bundle.config.data.train) or bundle.config.data.hub}, scheme "
        f"{bundle.scheme}, "
        f"{bundle.metrics.get('train_sentences', 0):,} sentences, seed "
        f"{bundle.config.training.seed}",
        **_teachers(bundle),
        "dev score": _dev_score(bundle),
        "document consistency": _document_consistency(bundle),
        **_probabilities(bundle),
        "precision": _precision(bundle),
    }


def _dev_score(bundle: Bundle) -> str:
    """Return the scores on dev and the epoch that they chose, or that there was no dev set."""
    dev, epochs = bundle.metrics.get("dev", {}), bundle.metrics.get("epochs", 0)
    if not bundle.config.data.has_dev:
        return f"none: trained without dev, with the weights after the last epoch ({epochs})"
    names = {"score": _metric(bundle)}
    scores = ", ".join(f"{names.get(name, name)} {value}" for name, value in dev.items())
    return f"{scores} (epoch {bundle.metrics.get('best_epoch')})"


def _metric(bundle: Bundle) -> str:
    """Return the name of the dev score: F1 of spans, or accuracy of plain tags."""
    return "accuracy" if bundle.scheme == schemes.PLAIN else "F1"


def _measured(bundle: Bundle) -> str:
    """Return the name of the scores that decided how the model predicts, and their data."""
    if bundle.config.data.has_dev:
        return f"dev {_metric(bundle)}"
    return f"{_metric(bundle)} in tagger export"


def _teachers(bundle: Bundle) -> dict[str, str]:
    """Return the teachers and their text as the fact "teachers"; empty without distillation."""
    distillation = bundle.config.distillation
    if not distillation.teachers:
        return {}
    teachers, text = ", ".join(distillation.teachers), ", ".join(distillation.text)
    return {"teachers": f"{teachers}, on {text} (at most about {distillation.tokens:,} tokens)"}


def _document_consistency(bundle: Bundle) -> str:
    """Return whether document consistency is on, and the dev scores that decided it."""
    measured = bundle.metrics.get("agreement")
    if measured is None:
        return "off (not measured on dev)"
    state = "on" if measured["weight"] else "off"
    score, without = measured["score"], measured["without"]
    return f"{state} ({_measured(bundle)} {score} with, {without} without)"


def _probabilities(bundle: Bundle) -> dict[str, str]:
    """Return which spans are predicted and how well dev supports their probabilities."""
    if bundle.scheme == schemes.PLAIN:
        return {}
    rule, found = bundle.metrics.get("decoding"), bundle.metrics.get("calibration")
    if rule is None or found is None:
        facts = {"decoding": "best tag sequence (thresholds were not measured on dev)"}
        if bundle.config.data.has_dev:
            return facts
        return {
            **facts,
            "probabilities": "not calibrated, since there was no dev; measure them and the "
            "thresholds with tagger export RUN FILE",
        }
    scores = f"{_measured(bundle)} {rule['score']} with a threshold, {rule['without']} without"
    data = "dev" if bundle.config.data.has_dev else "tagger export"
    threshold = rule["threshold"]
    which = f"spans with a probability above {threshold:g}" if threshold else "best tag sequence"
    facts = {
        "decoding": f"{which} ({scores})",
        "probabilities": f"at temperature {found['temperature']:g} ({data}, calibrated and not: "
        f"expected calibration error {found['ece']} and {found['ece_before']}, Brier score "
        f"{found['brier']} and {found['brier_before']})",
    }
    rows = bundle.metrics.get("reliability", {}).get("after", [])
    shares = [
        f"{mean:.2f}: {100 * share:.0f} % of {count:,}" for count, mean, share in rows if count
    ]
    return {**facts, "reliability": f"correct by mean probability: {', '.join(shares)}"}


def _precision(bundle: Bundle) -> str:
    """Return the default precision of predictions, and the dev scores that decided it."""
    measured = bundle.metrics.get("int8")
    if INT8 not in graph_names(bundle.config.model):
        return "float32"
    if measured is None:
        return "float32 (int8 was not measured on dev; measure it with tagger export RUN FILE)"
    int8, float32 = measured["score"], measured["float32"]
    scores = f"{_measured(bundle)} {int8} with int8, {float32} with float32"
    return f"{bundle.metrics.get('precision', 'float32')} ({scores})"


def card(bundle: Bundle) -> str:
    """Return the text of the README.md in the folder of a tagger, in Markdown."""
    facts = "\n".join(f"- {topic}: {fact}" for topic, fact in describe(bundle).items())
    expect = "Expect lower scores than those above on text that differs from the training data."
    if not bundle.config.data.has_dev:
        expect = "It was not scored: use `tagger evaluate THIS_FOLDER FILE` on annotated text."
    return f"""# A sequence tagger

Trained with `tagger train`; `config.toml` contains all settings.

{facts}

Use it with `tagger predict THIS_FOLDER FILE`, or `tagger.load(folder).tag(text)` in Python.
{expect}
"""

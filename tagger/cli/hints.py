"""Hints for options that a training does not have, but a setting of another name does."""

from __future__ import annotations

__all__ = ["hint_for"]

# What other programs call some of the settings.
_OTHER_NAMES = {
    "batch_size": "training.batch_tokens",
    "dim": "model.embedding",
    "embedding_dim": "model.embedding",
    "embeddings": "model.embedding",
    "gradient_clip": "training.clip_norm",
    "hidden_dim": "model.units",
    "hidden_size": "model.units",
    "lr": "training.learning_rate",
    "max_epochs": "training.epochs",
    "num_epochs": "training.epochs",
    "num_layers": "model.layers",
    "rnn": "model.cell",
}
_OVERWRITING = ("force", "overwrite", "overwrite_output_dir")


def hint_for(option: str) -> str:
    """Return a hint for an unknown option of a tagger's training, or "".

    Args:
        option: The option as it was typed, such as ``--batch-size``.

    Returns:
        A phrase such as "use --set training.batch_tokens=VALUE".
    """
    from tagger.config.reference import settings_of
    from tagger.config.tagger import Config

    name = option.lstrip("-").partition("=")[0].replace("-", "_").lower()
    if name in _OVERWRITING:
        return "nothing is overwritten: remove the folder, or choose another one"
    keys = [f"{info.table}.{info.name}" for info in settings_of(Config)]
    key = _OTHER_NAMES.get(name) or next(
        (key for key in keys if key.partition(".")[2] == name and not key.startswith("distill")), ""
    )
    return f"use --set {key}=VALUE; tagger config explains all settings" if key else ""

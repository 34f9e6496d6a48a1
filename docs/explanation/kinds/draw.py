"""Draw the kinds of recurrent networks as SVG files beside this one.

python docs/explanation/kinds/draw.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent
WIDTH, HEIGHT, BOX, TALL = 92, 64, 56, 32  # of a timestep and a row, and of a box in them
STYLE = (
    "text{font:14px sans-serif;text-anchor:middle;dominant-baseline:central}"
    ".box{stroke:#444;stroke-width:1.2}"
    ".x{fill:#dbe9f6}.a{fill:#f4f4f4}.y{fill:#dff0d8}"
    "path{stroke:#444;stroke-width:1.2;fill:none;marker-end:url(#tip)}"
    ".fed{stroke:#b35900;stroke-dasharray:4 3}"
)
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#444;stroke:none;marker-end:none"/></marker>'
    "</defs>"
)


@dataclass(frozen=True)
class Kind:
    """A kind of recurrent network over timesteps.

    Attributes:
        inputs: The input below each timestep; "" where there is none.
        outputs: The output above each timestep; "" where there is none.
        is_fed: Whether each output is the next timestep's input.
        is_bidirectional: Whether a second row of activations reads backwards.
        encoder: Number of leading timesteps that are the encoder, drawn apart; 0 if there is none.
    """

    inputs: Sequence[str]
    outputs: Sequence[str]
    is_fed: bool = False
    is_bidirectional: bool = False
    encoder: int = 0


KINDS = {
    "one-to-one": Kind(["x"], ["ŷ"]),
    "one-to-many": Kind(["label", "y<1>", "y<2>", "y<3>"], ["y<1>", "y<2>", "y<3>", "EOS"], True),
    "many-to-one": Kind(["x<1>", "x<2>", "x<3>", "x<4>"], ["", "", "", "ŷ"], is_bidirectional=True),
    "many-to-many": Kind(
        ["x<1>", "x<2>", "x<3>", "x<4>"],
        ["ŷ<1>", "ŷ<2>", "ŷ<3>", "ŷ<4>"],
        is_bidirectional=True,
    ),
    "encoder-decoder": Kind(
        ["x<1>", "x<2>", "0", "y<1>", "y<2>"],
        ["", "", "y<1>", "y<2>", "EOS"],
        is_fed=True,
        encoder=2,
    ),
}
"""The kinds of the lectures: one-to-one is a network without recurrence, for comparison."""


def picture(kind: Kind) -> str:
    """Return the SVG of a kind of network."""
    rows = 3 + kind.is_bidirectional
    gap = WIDTH // 2 if kind.encoder else 0
    width, height = len(kind.inputs) * WIDTH + gap + 40, rows * HEIGHT + 10
    body = "\n".join(_elements(kind, rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">\n<style>{STYLE}</style>\n{TIP}\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _elements(kind: Kind, rows: int) -> Iterator[str]:
    """Yield the boxes and arrows of a kind, column by column."""
    columns = [_column(kind, step) for step in range(len(kind.inputs))]
    heights = [10 + HEIGHT * row + HEIGHT // 2 for row in range(rows)]  # outputs on top
    top, *layers, bottom = heights
    last = len(columns) - 1
    for step, (x, label, output) in enumerate(zip(columns, kind.inputs, kind.outputs, strict=True)):
        yield _box(x, bottom, label, "x")
        names = ("a→", "a←") if kind.is_bidirectional else ("a",)
        for layer, name in zip(layers, names, strict=True):
            yield _box(x, layer, _activation(kind, name, step), "a")
        yield _arrow(x, bottom, x, layers[-1])
        if kind.is_bidirectional:
            yield _bent(x, bottom, layers[0])
        if output:
            yield _box(x, top, output, "y")
            yield _arrow(x, layers[0], x, top)
            if kind.is_bidirectional and kind.outputs[0]:
                yield _bent(x, layers[1], top)
        if step < last:
            yield _arrow(x, layers[0], columns[step + 1], layers[0])
            if kind.is_bidirectional:
                yield _arrow(columns[step + 1], layers[1], x, layers[1])
            if kind.is_fed and output:
                yield _feed(x, top, columns[step + 1], bottom)
    if kind.is_bidirectional and not kind.outputs[0]:  # the last state of the backward direction
        left, half = columns[0] - BOX // 2, BOX // 2
        yield f'<path d="M{left} {layers[1]}H{left - 16}V{top}H{columns[last] - half}"/>'


def _activation(kind: Kind, name: str, step: int) -> str:
    """Return the label of an activation; those of a decoder are s."""
    if len(kind.inputs) == 1:
        return name
    is_decoder = kind.encoder and step >= kind.encoder
    return f"s<{step + 1 - kind.encoder}>" if is_decoder else f"{name}<{step + 1}>"


def _column(kind: Kind, step: int) -> int:
    """Return the horizontal place of a timestep."""
    gap = WIDTH // 2 if kind.encoder and step >= kind.encoder else 0
    return 20 + WIDTH * step + WIDTH // 2 + gap


def _box(x: int, y: int, label: str, role: str) -> str:
    half, rise = BOX // 2, TALL // 2
    return (
        f'<rect class="box {role}" x="{x - half}" y="{y - rise}" width="{BOX}" '
        f'height="{TALL}" rx="6"/><text x="{x}" y="{y}">{escape(label)}</text>'
    )


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """Draw an arrow from the edge of one box to that of another, in a row or a column."""
    half, rise = BOX // 2, TALL // 2
    if x1 == x2:
        return f'<path d="M{x1} {y1 - rise}L{x2} {y2 + rise}"/>'
    side = half if x2 > x1 else -half
    return f'<path d="M{x1 + side} {y1}L{x2 - side} {y2}"/>'


def _bent(x: int, y1: int, y2: int) -> str:
    """Draw an arrow that passes the box between two rows on its right."""
    half, rise = BOX // 2, TALL // 2
    return (
        f'<path d="M{x + half - 8} {y1 - rise}C{x + half + 14} {y1 - HEIGHT} '
        f'{x + half + 14} {y2 + HEIGHT} {x + half - 8} {y2 + rise}"/>'
    )


def _feed(x1: int, y1: int, x2: int, y2: int) -> str:
    """Draw the dashed arrow from an output to the next timestep's input."""
    half, middle = BOX // 2, (x1 + x2) // 2
    return (
        f'<path class="fed" d="M{x1 + half} {y1}C{middle + 8} {y1} {middle - 8} {y2} '
        f'{x2 - half} {y2}"/>'
    )


def main() -> None:
    """Write all pictures."""
    for name, kind in KINDS.items():
        (FOLDER / f"{name}.svg").write_text(picture(kind), encoding="utf-8")


if __name__ == "__main__":
    main()

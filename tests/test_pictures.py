"""The pictures of the documentation are those that the code beside them draws."""

from __future__ import annotations

import runpy
from xml.etree import ElementTree

import pytest
from support.paths import ROOT

FOLDER = ROOT / "docs/explanation/kinds"
DRAW = runpy.run_path(str(FOLDER / "draw.py"))


@pytest.mark.parametrize("name", DRAW["KINDS"])
def test_the_picture_is_up_to_date(name: str) -> None:
    kind = DRAW["KINDS"][name]
    drawn = DRAW["picture"](kind)
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == drawn, "run draw.py"
    boxes = ElementTree.fromstring(drawn).findall(".//{http://www.w3.org/2000/svg}rect[@class]")
    roles = [box.attrib["class"].removeprefix("box ") for box in boxes]
    assert roles.count("x") == len(kind.inputs)
    assert roles.count("y") == sum(map(bool, kind.outputs))
    assert roles.count("a") == len(kind.inputs) * (1 + kind.is_bidirectional)


def test_no_picture_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == {*DRAW["KINDS"]}

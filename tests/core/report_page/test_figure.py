"""Boxes are found by graphviz's own numbers, also for layers that stand in another's box."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from clika_core.pictures.draw import initial_picture
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.pictures.svg import render_svg
from clika_core.planning.plan import Plan
from clika_core.report_page.dark import DARK
from clika_core.report_page.figure import figure
from tests.core.pictures import networks
from tests.core.pictures.texts import SVG, shown

TOOLTIP = "{http://www.w3.org/1999/xlink}title"
PLANS = [networks.residual, networks.attention, networks.hostile]


@pytest.mark.usefixtures("graphviz")
@pytest.mark.parametrize("make", PLANS)
def test_the_box_of_a_layer_holds_its_name(make: Callable[[], Plan]) -> None:
    plan = make()
    picture = preprocessed_picture(plan)
    svg = render_svg(picture.render())
    found = figure(svg, picture, plan)
    boxes = {element.get("id"): element for element in ET.fromstring(svg).iter(f"{SVG}g")}
    assert {node.name for node in plan.graph.inputs} <= set(found.boxes)
    for node in plan.graph.layers:
        if node.name in plan.removed and plan.removed[node.name] is None:
            assert node.name not in found.boxes
            continue
        box = boxes[found.boxes[node.name]]
        tooltips = [link.get(TOOLTIP, "") for link in box.iter(f"{SVG}a")]
        assert shown(node.name) in "\n".join([*tooltips, *box.itertext()])


@pytest.mark.usefixtures("graphviz")
@pytest.mark.parametrize("make", PLANS)
def test_every_colour_of_a_picture_has_one_for_dark_screens(make: Callable[[], Plan]) -> None:
    plan = make()
    for picture in (initial_picture(plan.graph), preprocessed_picture(plan)):
        root = ET.fromstring(render_svg(picture.render()))
        used = {element.get(use) for element in root.iter() for use in ("fill", "stroke")} - {None, "none"}
        assert used - set(DARK) == set()


def test_the_declaration_of_the_document_is_left_out() -> None:
    plan = networks.residual()
    found = figure('<?xml version="1.0"?>\n<svg></svg>', preprocessed_picture(plan), plan)
    assert found.svg == "<svg></svg>"

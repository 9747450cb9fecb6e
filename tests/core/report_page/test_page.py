"""The page as text: self-contained, escaped, complete, and silent where nothing is known."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from clika_core.errors import MissingDependencyError
from clika_core.pictures.dot import DotGraph, visible
from clika_core.planning.plan import Plan
from clika_core.report_page.page import render_page
from tests.core.pictures import networks

VOID = {"meta", "link", "br", "input", "img", "hr"}


class Reader(HTMLParser):
    """Collects tags with attributes, texts by tag, and complains of tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))


def page_of(plan: Plan, svg: str | None = None, **more: object) -> str:
    return render_page(plan.graph, DotGraph(), svg, plan=plan, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [networks.residual, networks.attention, networks.hostile])
def test_the_page_is_well_formed_and_refers_to_nothing_outside(make: Callable[[], Plan]) -> None:
    reader = Reader(page_of(make()))
    assert reader.open == []
    addresses = [value for _, name, value in reader.attributes if name in ("href", "src", "action", "srcset")]
    assert [address for address in addresses if not address.startswith(("#", "data:"))] == []
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    styles = "".join(text for tag, text in reader.texts if tag == "style")
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_policy_allows_the_page_s_own_scripts_and_nothing_else() -> None:
    page = page_of(networks.residual())
    (policy,) = (
        value for _, name, value in Reader(page).attributes if name == "content" and "default-src" in value
    )
    assert "default-src 'none'" in policy
    (allowed,) = re.findall(r"script-src ([^;]*)", policy)
    assert "unsafe" not in allowed
    assert len(allowed.split()) == page.count("<script>")


def test_every_layer_is_in_the_data_with_decision_causes_and_place() -> None:
    plan = networks.residual()
    (text,) = (text for tag, text in Reader(page_of(plan)).texts if tag == "script" and text.startswith("{"))
    layers = {layer["name"]: layer for layer in json.loads(text)["layers"]}
    assert list(layers) == [node.name for node in plan.graph.layers]
    assert layers["conv_2"]["decision"] == "float"
    assert layers["conv_2"]["why"] == ["rule conv_2 (settings.yaml:18)"]
    assert layers["linear_2"]["decision"] == "quantized"
    assert layers["linear_2"]["overridden"] == ["tail of output_1"]
    assert layers["batch_norm_1"]["why"] == ["folded into conv_1"]
    assert layers["conv_1"]["qs"] == 0.0123
    assert layers["conv_1"]["source"] == "model.py:12"


def test_hostile_texts_end_no_element() -> None:
    plan = networks.hostile()
    page = page_of(plan)
    assert "<script>alert" not in page
    (text,) = (text for tag, text in Reader(page).texts if tag == "script" and text.startswith("{"))
    names = [layer["name"] for layer in json.loads(text)["layers"]]
    assert names == [visible(node.name) for node in plan.graph.layers]
    page.encode("utf-8")


def test_numbers_that_are_no_numbers_keep_the_page_valid() -> None:
    plan = networks.residual()
    report = {"layers": [{"name": "conv_1", "qs": float("inf")}, {"name": "conv_3", "qs": "nan"}]}
    (text,) = (
        t for tag, t in Reader(page_of(plan, report=report)).texts if tag == "script" and t.startswith("{")
    )
    layers = {layer["name"]: (layer["qs"], layer["qsText"]) for layer in json.loads(text)["layers"]}
    assert layers["conv_1"] == ("inf", "∞")
    assert layers["conv_3"] == ("nan", "not a number")


def test_without_a_picture_the_page_says_why() -> None:
    assert "no graphviz found" in page_of(networks.residual(), note="no graphviz found")


def test_the_same_graph_and_plan_give_the_same_page() -> None:
    assert page_of(networks.residual()) == page_of(networks.residual())


def test_without_jinja_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingDependencyError, match="Jinja2 is needed") as error:
        page_of(networks.residual())
    assert "clika-core[pictures]" in (error.value.fix or "")

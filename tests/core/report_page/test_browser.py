"""The page in a headless browser: search, sort, zoom, links, keyboard, dark, phone, print; a silent console."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

import clika_core as clika
from clika_core.pictures.dot import DotGraph
from clika_core.pictures.draw import initial_picture
from clika_core.pictures.svg import render_svg
from clika_core.planning.plan import make_plan
from clika_core.report_page.embedding import scripts
from clika_core.report_page.page import render_page
from clika_core.settings import Settings
from clika_core.targets.ort import ORT
from clika_core.testing import GraphBuilder
from tests.core.loopback.networks import Sketch
from tests.core.loopback.registered import loopback_registered
from tests.core.pictures import networks
from tests.core.report_page.conftest import drawn_page
from tests.core.report_page.open_page import OpenPage

pytestmark = pytest.mark.usefixtures("graphviz", "browser")
VIEWPORT = "document.getElementById('viewport')"
PICTURE = "document.querySelector('#viewport svg')"
ENTER = "\ue007"
RIGHT = "\ue014"
DOWN = "\ue015"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `compress` writes: everything measured."""
    s = Sketch(5, "classifier")
    h = s.op("relu", s.batch_norm(s.conv(s.input("image", 4, 6, 6), 4, 8), 8))
    h = s.op("flatten", s.op("adaptive_avg_pool", h, output_size=(1, 1)))
    model = s.output(s.linear(s.op("relu", s.linear(h, 8, 8)), 8, 3))
    images = np.random.default_rng(0).standard_normal((48, 4, 6, 6)).astype(np.float32)
    folder = tmp_path_factory.mktemp("run") / "outputs"
    with loopback_registered():
        clika.compress(model, calibration_data=images, output_dir=folder, evaluation=lambda _: 0.75)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def residual() -> str:
    """A plan with rules, overrides and QS; nothing was run."""
    return drawn_page(networks.residual())


def many_layers(count: int) -> str:
    g = GraphBuilder("long")
    h = g.input("x", ("d0", 8))
    for position in range(count):
        h = g.layer("relu", h) if position % 2 else g.layer("linear", h, weight=(8, 8))
    g.output(h)
    graph = g.build()
    qs = {layer.name: 10.0 ** -(position % 7 + 1) for position, layer in enumerate(graph.layers)}
    plan = make_plan(graph, Settings(), ORT, qs)
    return render_page(graph, DotGraph(), None, plan=plan, note="the graph is too large to draw")


def test_a_run_is_summed_up_and_every_part_is_there(opened: OpenPage, measured: str) -> None:
    opened.open(measured)
    cards: list[str] = opened.ask("[...document.querySelectorAll('.card h2')].map(card => card.textContent)")
    assert cards[0].startswith("Accuracy")
    assert {"File size", "Latency", "Layers", "Work in integers", "Runtime equals simulation"} <= set(cards)
    assert "0.7500" in opened.find("#models").text
    assert opened.ask("document.querySelector('#chart canvas').width") > 0
    assert opened.ask("document.querySelectorAll('#viewport svg g.node').length") > 4
    assert clika.__version__ in opened.find("#environment").text
    assert "stats_steps" in opened.find("#environment").text


def test_searching_finds_names_paths_types_and_causes(opened: OpenPage, residual: str) -> None:
    opened.open(residual)
    everything = opened.shown_layers()
    for text, expected in {
        "block.second": ["conv_3", "batch_norm_3"],
        "settings.yaml:18": ["conv_2"],
        "BATCH_norm FIRST": ["batch_norm_2"],
        "tail of output_1": ["linear_2", "softmax_1"],
        "nothing has this": [],
    }.items():
        opened.ask("document.getElementById('search').value = ''")
        opened.press("#search", text)
        opened.until(lambda expected=expected: opened.shown_layers() == expected)  # type: ignore[misc]
        assert opened.find("#count").text == f"{len(expected)} of {len(everything)} layers"
    assert "No layer fits the search." in opened.find("#table").text


def test_decision_and_type_narrow_the_table_together(opened: OpenPage, residual: str) -> None:
    opened.open(residual)
    opened.choose("#decision", "removed")
    opened.until(
        lambda: opened.shown_layers() == ["batch_norm_1", "batch_norm_2", "batch_norm_3", "dropout_1"]
    )
    opened.choose("#type", "dropout")
    opened.until(lambda: opened.shown_layers() == ["dropout_1"])


def test_a_header_sorts_by_click_and_by_key(opened: OpenPage, residual: str) -> None:
    opened.open(residual)
    header = ".tabulator-col[tabulator-field=number]"
    opened.click(header)
    opened.click(header)
    opened.until(lambda: opened.shown_layers()[:2] == ["conv_3", "conv_1"])
    assert opened.find(header).get_attribute("aria-sort") == "descending"
    opened.press(".tabulator-col[tabulator-field=name]", ENTER)
    opened.until(lambda: opened.shown_layers()[0] == "adaptive_avg_pool_1")


def test_a_layer_of_the_table_is_shown_in_the_graph_and_back(opened: OpenPage, residual: str) -> None:
    opened.open(residual)
    box = opened.ask("page.byName.get('conv_3').box")
    opened.press("#search", "conv_3")
    opened.until(lambda: opened.shown_layers()[:1] == ["conv_3"])
    opened.press("button.layer", ENTER)
    assert opened.ask("[...document.querySelectorAll('.chosen[id]')].map(found => found.id)") == [box]
    frame = opened.ask(
        "JSON.parse(JSON.stringify(document.getElementById('viewport').getBoundingClientRect()))"
    )
    opened.until(
        lambda: inside(opened.ask(f"JSON.parse(JSON.stringify({box}.getBoundingClientRect()))"), frame)
    )
    assert opened.find("#details h3").text == "conv_3"
    assert opened.ask("location.hash") == "#layer=conv_3"

    opened.find("#search").clear()
    opened.press("#search", " ")
    other = opened.ask("page.byName.get('conv_1').box")
    opened.ask("document.getElementById('fit-width').click()")
    opened.click(f"#{other} text")
    opened.until(
        lambda: (
            opened.ask("document.querySelector('.tabulator-row.chosen button.layer')?.textContent")
            == "conv_1"
        )
    )
    assert opened.find("#details h3").text == "conv_1"


def inside(box: dict[str, float], frame: dict[str, float]) -> bool:
    """Whether the middle of `box` lies in `frame`."""
    x, y = (box["left"] + box["right"]) / 2, (box["top"] + box["bottom"]) / 2
    return frame["left"] < x < frame["right"] and frame["top"] < y < frame["bottom"]


def test_the_address_names_a_layer(opened: OpenPage, residual: str) -> None:
    opened.open(residual, fragment="#layer=add_1")
    assert opened.find("#details h3").text == "add_1"
    opened.open(residual, fragment="#layer=%E0%A4")
    assert opened.find("#details").text.startswith("Choose")


def test_the_graph_zooms_and_moves_by_buttons_wheel_and_keys(opened: OpenPage, residual: str) -> None:
    opened.open(residual)

    def scale() -> float:
        return float(opened.ask(f"{PICTURE}.getBoundingClientRect().width"))

    first = scale()
    opened.click("#zoom-in")
    opened.until(lambda: scale() == pytest.approx(first * 1.25, rel=0.01))
    opened.press("#viewport", "-")
    opened.until(lambda: scale() == pytest.approx(first, rel=0.01))
    turn = "new WheelEvent('wheel', {deltaY: -100, ctrlKey: true, cancelable: true})"
    wheel = f"{VIEWPORT}.dispatchEvent({turn})"
    opened.ask(wheel)
    opened.until(lambda: scale() > first * 1.1)
    opened.click("#fit-all")
    height = opened.ask(f"{VIEWPORT}.clientHeight")
    opened.until(lambda: opened.ask(f"{PICTURE}.getBoundingClientRect().height") <= height + 1)
    opened.click("#fit-width")
    opened.until(lambda: scale() == pytest.approx(first, rel=0.01))
    above = f"{VIEWPORT}.getBoundingClientRect().top - {PICTURE}.getBoundingClientRect().top"
    before = opened.ask(above)
    opened.press("#viewport", DOWN)
    opened.until(lambda: opened.ask(above) == pytest.approx(before + 60, abs=1))
    opened.press("#viewport", "n")
    assert opened.find("#details h3").text == "conv_1"
    opened.press("#find", "head.2", ENTER)
    opened.until(lambda: opened.find("#details h3").text == "linear_2")


def test_the_heat_layer_colours_what_was_measured_and_says_so(opened: OpenPage, residual: str) -> None:
    opened.open(residual)
    fill = "getComputedStyle(document.getElementById(page.byName.get(arguments[0]).box).querySelector('path')).fill"
    names = ("conv_1", "conv_3", "add_1")
    before = [opened.ask(fill, name) for name in names]
    opened.click("#heat")
    after = [opened.ask(fill, name) for name in names]
    assert len(set(after)) == len(names)
    assert not set(before) & set(after)
    assert "QS" in opened.find("#heat-legend").text
    opened.click("#heat")
    assert [opened.ask(fill, name) for name in names] == before


def test_the_chart_leads_to_layers_by_click_and_by_key(opened: OpenPage, residual: str) -> None:
    opened.open(residual)
    opened.click("#order-size")
    opened.press("#chart", RIGHT)
    assert opened.find("#chart-now").text == "conv_3 (conv): QS 0.250, float"
    opened.press("#chart", ENTER)
    assert opened.find("#details h3").text == "conv_3"
    opened.click("#order-model")
    opened.click_at("#chart .u-over", 0.02)
    assert opened.find("#details h3").text == "conv_1"


def test_dark_screens_get_dark_paper_and_a_dark_picture(opened: OpenPage, residual: str) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    picture = "getComputedStyle(document.querySelector('#viewport svg .graph > polygon')).fill"
    ink = "getComputedStyle(document.querySelector('#viewport svg .graph > text')).fill"
    opened.open(residual)
    light = [opened.ask(question) for question in (background, picture, ink)]
    opened.open(residual, dark=True)
    dark = [opened.ask(question) for question in (background, picture, ink)]
    assert [brightness(colour) > 128 for colour in light] == [True, True, False]
    assert [brightness(colour) > 128 for colour in dark] == [False, False, True]


def brightness(colour: str) -> float:
    """Of `rgb(r, g, b)`."""
    return sum(map(float, colour[4:-1].split(","))) / 3


@pytest.mark.parametrize("page_name", ["measured", "residual"])
def test_nothing_is_wider_than_a_phone(
    opened: OpenPage, page_name: str, request: pytest.FixtureRequest
) -> None:
    text: str = request.getfixturevalue(page_name)
    opened.open(text, width=360, height=740)
    assert opened.ask("document.documentElement.scrollWidth") <= 360
    assert "QS" in opened.find(".tabulator-row:nth-child(1) .tabulator-responsive-collapse").text


def test_all_layers_are_printed_also_those_out_of_sight(opened: OpenPage) -> None:
    opened.open(many_layers(60))
    opened.ask("window.scrollTo(0, 0)")
    assert len(opened.shown_layers()) < 60
    pages = base64.b64decode(opened.browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pages.startswith(b"%PDF")
    opened.ask("window.dispatchEvent(new Event('beforeprint'))")
    assert opened.ask("document.querySelectorAll('.tabulator-print-table tbody tr').length") == 60
    opened.ask("window.dispatchEvent(new Event('afterprint'))")


def test_a_report_of_three_layers_and_one_of_five_thousand_work_alike(opened: OpenPage) -> None:
    for count in (3, 5_000):
        opened.open(many_layers(count))
        assert opened.find("#count").text == f"{count} layers"
        assert "too large to draw" in opened.find("#graph").text
        last = f"{'linear' if count % 2 else 'relu'}_{(count + 1) // 2}"
        opened.press("#search", last)
        opened.until(lambda last=last: opened.shown_layers()[:1] == [last])  # type: ignore[misc]
        opened.click(".tabulator-col[tabulator-field=number]")
        opened.press("button.layer", ENTER)
        assert opened.find("#details h3").text == last


def test_hostile_names_are_shown_letter_by_letter_and_run_nothing(opened: OpenPage) -> None:
    plan = networks.hostile()
    opened.open(drawn_page(plan))
    assert opened.ask("document.querySelectorAll('script').length") == len(scripts()) + 1
    assert opened.ask("document.querySelectorAll('img').length") == 0
    assert opened.ask("document.title").startswith('"]; stranger')
    names: Any = opened.ask("page.data.layers.map(layer => layer.name)")
    assert len(names) == len(plan.graph.layers)
    for name in names:
        opened.ask("page.choose(arguments[0], 'graph')", name)
        assert opened.ask("document.querySelector('#details h3').textContent") == name
    assert opened.ask("page.data.layers.filter(layer => !document.getElementById(layer.box)).length") == 0
    assert any("<script>alert(1)</script>" in name for name in names)


def test_a_script_that_slips_in_is_refused_by_the_page(opened: OpenPage, residual: str) -> None:
    opened.open(residual.replace("</main>", "<script>window.slipped = 1</script></main>", 1))
    assert opened.ask("window.slipped") is None
    (refusal,) = opened.complaints()
    assert "Content Security Policy" in refusal


def test_a_traced_graph_has_a_page_too(opened: OpenPage) -> None:
    graph = networks.residual_graph()
    picture = initial_picture(graph)
    opened.open(render_page(graph, picture, render_svg(picture.render())))
    assert "before any decision" in opened.find("header").text
    assert opened.ask("document.getElementById('decision')") is None
    opened.press("#viewport", "n")
    assert opened.find("#details h3").text == "conv_1"

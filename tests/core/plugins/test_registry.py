"""Targets, backends and observers are found by name; a wrong name gets the nearest ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from clika_core.errors import ModelError, PluginError, SettingsError, TargetError
from clika_core.ir.fingerprint import fingerprint
from clika_core.ir.graph import Graph
from clika_core.plugins import registry
from clika_core.plugins.installed import PluginPoint
from clika_core.plugins.manager import LoadedPlugins, load
from clika_core.plugins.planning import plan
from clika_core.targets.ort import ORT
from clika_core.testing.builder import GraphBuilder
from tests.core.loopback.registered import forget


def test_a_target_is_found_by_name_and_stands_for_itself() -> None:
    assert registry.find_target("ort") is ORT
    assert registry.find_target(ORT) is ORT


def test_an_unknown_target_gets_the_nearest_name() -> None:
    with pytest.raises(TargetError, match="did you mean 'ort'"):
        registry.find_target("orx")


def test_an_unknown_observer_gets_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="min_max"):
        registry.observer_named("minmax")


def test_something_that_is_no_model_is_said_to_be_none() -> None:
    with pytest.raises(ModelError, match=r"no backend takes a builtins\.int"):
        registry.find_backend(3)


GOOD = """
from clika_core.plugins.hooks import hookimpl
from clika_core.targets.ort import ORT
from dataclasses import replace

def broken(graph, node):
    {body}

KERNELS = {{name: replace(kernel, condition=broken) for name, kernel in ORT.kernels.items()}}

@hookimpl
def clika_register_targets():
    return [replace(ORT, name={name!r}, kernels=KERNELS)]
"""
Install = Callable[..., LoadedPlugins]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs plugins that register a target each: by plugin name the target's name, or the whole text."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def made(body: str = "return None", **names: str) -> LoadedPlugins:
        points = [PluginPoint("targets", "clika_core.targets.registration", "clika-core", "1")]
        for plugin, name in names.items():
            text = name if "\n" in name else GOOD.format(name=name, body=body)
            (tmp_path / f"{plugin}_module.py").write_text(text)
            points.append(PluginPoint(plugin, f"{plugin}_module", f"{plugin}-dist", "0.1"))
        loaded = load(points)
        monkeypatch.setattr(registry, "plugins", lambda: loaded)
        forget()
        return loaded

    yield made
    forget()
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_name_that_two_strangers_register_belongs_to_neither(install: Install) -> None:
    install(first="mine", second="mine", third="other")
    with pytest.raises(PluginError, match="'first' and 'second' both register 'mine'"):
        registry.find_target("mine")
    assert registry.find_target("other").name == "other"
    (finding,) = registry.problems()
    assert "second-dist" in finding.message
    assert "'first'" in finding.message


def test_no_stranger_takes_a_name_of_the_project(install: Install) -> None:
    install(another="ort")
    assert registry.find_target("ort") is ORT
    assert "registers 'ort', which plugin 'targets' registers too" in registry.problems()[0].message


def test_a_name_that_is_unknown_leads_to_the_plugins_that_are_broken(install: Install) -> None:
    install(broken="import nothing_of_that_name\n")
    with pytest.raises(TargetError) as error:
        registry.find_target("mine")
    assert error.value.found == "broken plugins: broken (see `clika backends`)"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise RuntimeError('no')", "fails on layer 'conv_1': RuntimeError: no"),
        ("return 3", "answers int for layer 'conv_1'"),
        ("node.attributes['groups'] = 2", "fails on layer 'conv_1': TypeError"),
        ("node.name = 'x'", "fails on layer 'conv_1'"),
    ],
)
def test_a_condition_that_fails_or_meddles_is_named(install: Install, body: str, told: str) -> None:
    graph = one_conv()
    install(body, meddler="mine")
    before = graph.fingerprint
    with pytest.raises(PluginError, match="target 'mine' of plugin 'meddler'") as error:
        plan(graph, target="mine")
    assert told in error.value.message
    assert fingerprint(graph) == before
    assert plan(graph, target="ort").quantized


def test_a_condition_can_change_no_graph_but_its_own_copy(install: Install) -> None:
    graph = one_conv()
    install("object.__setattr__(node, 'type', 'relu'); graph.index.clear()", meddler="mine")
    with suppress(PluginError):
        plan(graph, target="mine")
    assert graph["conv_1"].type == "conv"
    assert "conv_1" in plan(graph, target="ort").quantized


def one_conv() -> Graph:
    g = GraphBuilder()
    x = g.input("x", ("d0", 3, 8, 8))
    h = g.layer("conv", x, weight=(4, 3, 3, 3), groups=1)
    g.output(g.layer("linear", g.layer("flatten", h), weight=(10, 4 * 36)))
    return g.build()

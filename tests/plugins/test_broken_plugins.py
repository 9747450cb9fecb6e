"""Whatever a plugin breaks, everything else works, and one diagnostic names it and its distribution."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clika_core.testing import GraphBuilder
from tests.plugins.broken_kinds import KINDS, Broken

RUN = "from clika_core.cli.main import main; main()"
GOOD = """
from dataclasses import replace
from clika_core.plugins.hooks import hookimpl
from clika_core.targets.ort import ORT

@hookimpl
def clika_register_targets():
    return [replace(ORT, name="good_target")]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a graph, settings, and in `site` the metadata and the module of a plugin that works."""
    g = GraphBuilder()
    h = g.layer("relu", g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(4, 3, 3, 3)))
    g.output(g.layer("linear", g.layer("flatten", h), weight=(10, 4 * 36)))
    g.build().save(tmp_path / "model.graph.json")
    (tmp_path / "settings.yaml").write_text("# clika: graph=model.graph.json\nlayer_settings: {}\n")
    install(tmp_path, "good", Broken(GOOD, ""))
    return tmp_path


def install(folder: Path, name: str, plugin: Broken, point: str | None = None) -> None:
    """As pip leaves a distribution `{name}-clika` 1.5 behind."""
    site = folder / "site"
    information = site / f"{name}_clika-1.5.dist-info"
    information.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {name}-clika\nVersion: 1.5\n"
    (information / "METADATA").write_text(head + plugin.metadata)
    (information / "entry_points.txt").write_text(f"[clika]\n{point or name} = {name}_clika_plugin\n")
    (site / f"{name}_clika_plugin.py").write_text(plugin.text)


def clika(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `clika` in `folder`, in a fresh process that finds what is in `site`."""
    paths = [str(folder / "site"), os.environ.get("PYTHONPATH", "")]
    variables = {
        **os.environ,
        "CLIKA_DISABLE_PLUGINS": "torch,tensorflow,jax",  # slow to describe
        "CLIKA_PLUGIN_SECONDS": "1.5",
        "CLIKA_NO_CACHE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_plugin_is_named_once_and_everything_else_works(folder: Path, kind: str) -> None:
    broken = KINDS[kind]
    install(folder, "acme", broken)

    shown = json.loads(clika(folder, "backends", "--format", "json").stdout)
    (diagnostic,) = shown["diagnostics"]
    assert broken.told in diagnostic["message"]
    assert diagnostic["message"].startswith("plugin 'acme' of acme-clika 1.5 ")
    assert diagnostic["related"] == ["acme", "acme-clika"]
    assert "CLIKA_DISABLE_PLUGINS=acme" in diagnostic["help"]
    assert "\n" not in diagnostic["message"]
    brings = {plugin["name"]: plugin["brings"] for plugin in shown["plugins"]}
    assert brings["good"] == ["target good_target"]
    assert "target ort" in brings["targets"]

    plan = clika(folder, "plan", "model.graph.json", "--target", "good_target", "--format", "json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["target"] == "good_target"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a command that hides a built-in one"])
def test_the_linter_reports_a_broken_plugin_and_goes_on(folder: Path, kind: str) -> None:
    install(folder, "acme", KINDS[kind])
    done = clika(folder, "lint", "settings.yaml", "--format", "json")
    found = json.loads(done.stdout)["findings"]
    (finding,) = [each for each in found if each["code"] == "CLK903"]
    assert KINDS[kind].told in finding["message"]
    assert "acme-clika 1.5" in finding["message"]
    assert {"CLK101"} <= {each["code"] for each in found}


def test_a_disabled_plugin_is_not_loaded_and_not_mentioned(folder: Path) -> None:
    install(folder, "acme", KINDS["an exit while it is imported"])
    done = clika(folder, "backends", "--format", "json", CLIKA_DISABLE_PLUGINS="acme, torch,tensorflow,jax")
    assert json.loads(done.stdout)["diagnostics"] == []
    assert "acme" not in done.stdout


def test_two_distributions_with_one_plugin_name_are_both_named(folder: Path) -> None:
    install(folder, "acme", Broken(GOOD, ""), point="good")
    done = clika(folder, "backends")
    assert done.returncode == 0
    assert (
        "plugin 'good' of good-clika 1.5 is left out: acme-clika 1.5 has a plugin of that name too"
        in done.stderr
    )
    assert "good (acme-clika 1.5): target good_target" in done.stdout


def test_a_backend_that_cannot_describe_itself_or_tell_its_models_hides_no_other(folder: Path) -> None:
    text = """
from clika_core.backend.interface import Backend
from clika_core.plugins.hooks import hookimpl

class Half(Backend):
    name = "half"
    def fail(self, *args, **named): raise RuntimeError("half done")
    accepts = describe = trace = demo_network = train_demo_network = fail
    seed = on_device = fail

Half.__abstractmethods__ = frozenset()

@hookimpl
def clika_register_backends():
    return [Half()]
"""
    install(folder, "acme", Broken(text, ""))
    done = clika(folder, "backends")
    assert done.returncode == 0
    assert "half: unknown framework not installed" in done.stdout
    assert "problem: it fails to describe itself: RuntimeError: half done" in done.stdout
    (folder / "my_model.py").write_text("def make():\n    return 3\n")
    traced = clika(folder, "trace", "my_model.py:make", "-o", "out.graph.json")
    assert traced.returncode == 2
    assert "backend 'half' of plugin 'acme' cannot tell: RuntimeError: half done" in traced.stderr


def test_a_command_of_a_plugin_that_fails_is_the_plugin_s_bug(folder: Path) -> None:
    text = """
import click
from clika_core.plugins.hooks import hookimpl

@click.command()
def census():
    "Count."
    raise ZeroDivisionError("counted nothing")

@hookimpl
def clika_register_commands():
    return [census]
"""
    install(folder, "acme", Broken(text, ""))
    done = clika(folder, "census")
    assert done.returncode == 70
    assert "this is a bug in plugin 'acme' of acme-clika 1.5" in done.stderr

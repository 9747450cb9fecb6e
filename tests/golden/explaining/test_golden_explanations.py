"""What `clika explain` and `clika diff` print, whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clika_core.cli.main import main
from tests.core.planning.networks import classifier, transformer

Golden = Callable[[str, str], None]
Shown = Callable[..., str]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Runs `clika` in a folder with two settings files and two graphs; what it printed."""
    for name in ("settings.yaml", "other.yaml"):
        shutil.copy(Path(__file__).with_name(name), tmp_path)
    monkeypatch.chdir(tmp_path)
    classifier().save("model.graph.json")
    transformer(1).save("transformer.graph.json")

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main(arguments)
        captured = capsys.readouterr()
        return f"$ clika {' '.join(arguments)}\n{captured.out}{captured.err}"

    return run


def test_layers_are_explained(golden: Golden, shown: Shown) -> None:
    layers = "linear_5 linear_4 linear_1 relu_3 flatten_1 conv_1 batch_norm_1 conv_2 dropout_1".split()
    texts = [shown("explain", "model.graph.json", layer, "-s", "settings.yaml") for layer in layers]
    texts.append(shown("explain", "transformer.graph.json", "op:gelu"))
    texts.append(shown("explain", "transformer.graph.json", "linear_1", "--target", "trt"))
    golden("layers.txt", "\n".join(texts))


def test_rules_are_explained(golden: Golden, shown: Shown) -> None:
    rules = ["adaptive_avg_pool_1", "classifier.*", "linear_4", "op:conv", "features.1"]
    texts = [shown("explain", "model.graph.json", rule, "--rule", "-s", "settings.yaml") for rule in rules]
    golden("rules.txt", "\n".join(texts))


def test_the_json_form(golden: Golden, shown: Shown) -> None:
    texts = [
        shown("explain", "model.graph.json", "linear_5", "-s", "settings.yaml", "--format", "json"),
        shown(
            "explain", "model.graph.json", "classifier.*", "--rule", "-s", "settings.yaml", "--format", "json"
        ),
        shown("diff", "settings.yaml", "other.yaml", "--format", "json"),
    ]
    golden("json.txt", "\n".join(texts))


def test_mistakes_are_told(golden: Golden, shown: Shown) -> None:
    texts = [
        shown("explain", "model.graph.json", "linear_55"),
        shown("explain", "model.graph.json", "linear_44", "--rule", "-s", "settings.yaml"),
        shown("diff", "other.yaml", "other.yaml"),
        shown("diff", "other.yaml", "model.graph.json"),
    ]
    golden("mistakes.txt", "\n".join(texts))


def test_settings_and_graphs_are_compared(golden: Golden, shown: Shown) -> None:
    texts = [
        shown("diff", "settings.yaml", "other.yaml"),
        shown("diff", "settings.yaml", "settings.yaml"),
        shown("diff", "model.graph.json", "transformer.graph.json"),
    ]
    golden("differences.txt", "\n".join(texts))

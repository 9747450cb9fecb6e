"""`clika lint` has nothing to say against the default plan of a real model, or says why it has."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from clika_core.diagnostics import Severity
from clika_core.settings.load import read_document
from clika_linter.context import Context
from clika_linter.engine import Engine
from clika_linter.rules.table import RULES
from tests.backends.torch.zoo.catalogue import ZOO
from tests.backends.zoo.entry import Entry

STATED: Mapping[str, tuple[str, ...]] = {
    "ssdlite320": ("CLK101",),  # its heads, all of them tail, are a third of its multiply-accumulates
    "lstm_tagger": ("CLK103",),  # onnxruntime has no such layer in integers, and the rest is tail
    "gru_tagger": ("CLK103",),
}
EVERYDAY = ("unet", "yolo", "vae", "gru_tagger")


def loud(entry: Entry) -> tuple[str, ...]:
    """The codes of what is said above info of a model's graph under default settings."""
    graph = ZOO.harness.backend.trace(ZOO.model(entry), entry.inputs(2)).graph
    context = Context(read_document("", "settings.yaml"), graph)
    findings = Engine().check(RULES, context).findings
    return tuple(found.code for found in findings if found.severity is not Severity.INFO)


def _parameters() -> list[object]:
    return [
        pytest.param(entry, id=entry.name, marks=() if entry.name in EVERYDAY else (pytest.mark.nightly,))
        for entry in ZOO.entries()
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", _parameters())
def test_the_default_plan_brings_nothing_above_info(entry: Entry) -> None:
    assert loud(entry) == STATED.get(entry.name, ())

"""A whole run of `clika lint`, with a graph and a report, loads no framework, no NumPy, and no terminal toolkit."""

from __future__ import annotations

import json
import subprocess
import sys

from clika_linter.rules.table import RULES
from tests.linter.conftest import Project

HEAVY = "torch tensorflow jax keras flax numpy onnx onnxruntime rich".split()
RUN = """
import sys
from clika_core.cli.main import main
try:
    main(["lint", "settings.yaml", "--no-cache", "--format", "concise"])
except SystemExit as ended:
    print(ended.code, *(name for name in {heavy} + {rules} if name in sys.modules))
"""
SETTINGS = """\
# clika: graph=model.graph.json report=report.json
layer_settings:
  conv_1: {quantization_settings: {skip_quantization: true}}
"""


def test_a_whole_run_loads_nothing_heavy_and_only_the_rules_that_can_run(project: Project) -> None:
    fingerprint = json.loads(project.graph().read_text())["fingerprint"]
    report = {"format": "clika-report", "version": 1, "graph": {"fingerprint": fingerprint}, "layers": []}
    project.write("report.json", json.dumps(report))
    project.write("settings.yaml", SETTINGS)
    modules = [entry.home.partition(":")[0] for entry in RULES]
    code = RUN.format(heavy=HEAVY, rules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    _, *loaded = done.stdout.splitlines()[-1].split()
    assert set(loaded) <= set(modules)
    assert "clika_linter.rules.redundant_skip" in loaded
    project.write("settings.yaml", "training_settings: {num_epochs: 3}\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "clika_linter.rules.redundant_skip" not in done.stdout, (
        "without rules for layers it has nothing to do"
    )

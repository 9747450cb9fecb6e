"""How long `clika lint` takes, beside ruff, flake8 and bare Python: `python benchmarks/lint.py [--nodes 500]`.

Every command is a new process; they take turns, and the smallest CPU time of all rounds counts, children
included. Tools that are not installed are left out. Run it where clika-core is installed as users install it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from clika_core.ir.graph import Graph
from clika_core.testing.builder import GraphBuilder

ROUNDS = 20
HEAD = "# clika: graph=model.graph.json\nlayer_settings:\n"
RULE = "  conv_{}:\n    quantization_settings: {{skip_quantization: true}}\n"


def residual_chain(num_nodes: int) -> Graph:
    """A chain of residual blocks of three layers each, with a linear head."""
    builder = GraphBuilder()
    value = builder.layer("conv", builder.input("x", ("d0", 8, 8, 8)), weight=(8, 8, 1, 1), path="stem")
    for block in range((num_nodes - 5) // 3):
        branch = builder.layer("relu", value, path=f"blocks.{block}.relu")
        branch = builder.layer("conv", branch, weight=(8, 8, 1, 1), path=f"blocks.{block}.conv")
        value = builder.layer("add", value, branch, path=f"blocks.{block}")
    flat = builder.layer("flatten", value, shape=("d0", 512))
    builder.output(builder.layer("linear", flat, weight=(10, 512), path="head"))
    return builder.build()


def prepare(folder: Path, num_nodes: int, num_rules: int) -> None:
    """A graph, settings for it, and a Python file for the other linters."""
    residual_chain(num_nodes).save(folder / "model.graph.json")
    rules = "".join(RULE.format(number + 2) for number in range(num_rules))
    (folder / "settings.yaml").write_text(HEAD + rules, encoding="utf-8")
    (folder / "module.py").write_text("VALUE = 1\n" * 200, encoding="utf-8")


def commands() -> dict[str, list[str]]:
    """What is measured, by name."""
    clika = [sys.executable, "-c", "from clika_core.cli.main import main; main()", "lint", "settings.yaml"]
    found = {
        "bare python": [sys.executable, "-c", "pass"],
        "clika lint, result cached": clika,
        "clika lint, nothing cached": [*clika, "--no-cache"],
    }
    for name in ("ruff", "flake8"):
        if path := shutil.which(name):
            found[name] = [path, *(["check", "--no-cache"] if name == "ruff" else []), "module.py"]
    return found


def cpu_seconds(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """User and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--rules", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, given.nodes, given.rules)
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        found = commands()
        times = {
            tool: min(cpu_seconds(command, folder, environment) for _ in range(2))
            for tool, command in found.items()
        }
        for _ in range(given.rounds):
            for tool, command in found.items():
                times[tool] = min(times[tool], cpu_seconds(command, folder, environment))
    bare = times["bare python"]
    print(f"{given.nodes} nodes, {given.rules} rules; CPU milliseconds, least of {given.rounds} rounds")
    for tool, seconds in times.items():
        print(f"{tool:28}{seconds * 1e3:8.1f}   above bare python {(seconds - bare) * 1e3:8.1f}")


if __name__ == "__main__":
    main()

"""How long `clika lint` takes, beside bare Python, ruff and flake8: in cold processes, one run of each in turn.

    python benchmarks/lint_speed.py --runs 30 --about "2 cores, idle"

Takes `clika`, `ruff` and `flake8` from the environment of the Python that runs it. A time is the processor time of
the process, user and system; of several runs the shortest counts, since whatever else a machine does only adds.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from clika_core.testing.builder import GraphBuilder

BIN = Path(sys.executable).parent
START_NODES = 500
MANY_NODES, MANY_RULES = 10_000, 1_000
SIZES = (12_500, 25_000, 50_000, 100_000)
SETTINGS = """\
deployment_settings:
  target_framework: ort
global_quantization_settings:
  weights_num_bits: 8
training_settings:
  num_epochs: 3
layer_settings:
"""
PYTHON = '''\
"""A module about as long as the settings file."""

import json


def read(path: str) -> dict[str, int]:
    with open(path) as stream:
        found = json.load(stream)
    return {name: int(value) for name, value in found.items()}


def total(path: str) -> int:
    return sum(read(path).values())


print(total("numbers.json"))
'''


class Measured(NamedTuple):
    """The shortest run: processor time and wall time in seconds, and what the process returned."""

    cpu: float
    wall: float
    code: int


def write_graph(path: Path, num_nodes: int) -> None:
    """A residual network with `num_nodes` layers: conv, relu, conv, add over and over, then a linear head."""
    g = GraphBuilder()
    h = g.input("image", ("d0", 8, 4, 4))
    for number in range((num_nodes - 2) // 4):
        inner = g.layer("conv", h, weight=(8, 8, 1, 1), path=f"blocks.{number}.first")
        inner = g.layer("relu", inner, path=f"blocks.{number}.act")
        inner = g.layer("conv", inner, weight=(8, 8, 1, 1), path=f"blocks.{number}.second")
        h = g.layer("add", h, inner, path=f"blocks.{number}")
    h = g.layer("flatten", h, shape=("d0", 128), path="flat")
    g.output(g.layer("linear", h, weight=(10, 128), path="head"))
    g.build().save(path)


def write_settings(path: Path, num_nodes: int, num_rules: int) -> None:
    """Rules that skip every n-th block's first convolution, so that they reach over the whole graph."""
    num_blocks = (num_nodes - 2) // 4
    rules = (
        f"  blocks.{number * num_blocks // num_rules}.first: {{quantization_settings: {{skip_quantization: true}}}}\n"
        for number in range(num_rules)
    )
    path.write_text(SETTINGS + "".join(rules), encoding="utf-8")


def run_once(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """One cold process, with its output thrown away."""
    null = os.open(os.devnull, os.O_RDWR)
    started = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    child = os.posix_spawn(command[0], list(command), dict(environment), file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - started
    os.close(null)
    return Measured(usage.ru_utime + usage.ru_stime, wall, os.waitstatus_to_exitcode(status))


def shortest(commands: Mapping[str, Sequence[str]], runs: int, cache: Path) -> dict[str, Measured]:
    """The shortest run of every command; they take turns, so that a busy moment meets all of them."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):  # as users have it: byte code is kept
        environment.pop(name, None)
    for command in commands.values():
        run_once(command, environment)  # writes byte code and caches
    found: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            found[name].append(run_once(command, environment))
    best = {}
    for name, measured in found.items():
        if any(each.code not in (0, 1) for each in measured):
            raise SystemExit(f"{name} failed with exit code {measured[0].code}")
        cpu, wall = min(each.cpu for each in measured), min(each.wall for each in measured)
        best[name] = Measured(cpu, wall, measured[0].code)
    return best


def lint(settings: Path, graph: Path, *more: str) -> list[str]:
    """The command line of a lint."""
    return [str(BIN / "clika"), "lint", str(settings), "--graph", str(graph), *more]


def start(folder: Path, runs: int) -> list[str]:
    """The table of cold starts on a small project."""
    graph, settings, module = (folder / name for name in ("small.graph.json", "small.yaml", "small.py"))
    write_graph(graph, START_NODES)
    write_settings(settings, START_NODES, 10)
    module.write_text(PYTHON, encoding="utf-8")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "clika lint": lint(settings, graph, "--no-cache"),
        "clika lint, cached": lint(settings, graph),
        "ruff check": [str(BIN / "ruff"), "check", "--no-cache", "--isolated", str(module)],
        "flake8": [str(BIN / "flake8"), "--isolated", str(module)],
    }
    best = shortest(commands, runs, folder / "cache")
    bare = best["python -c pass"]
    rows = [
        f"| {name} | {1e3 * each.cpu:.0f} | {1e3 * (each.cpu - bare.cpu):+.0f} | {each.cpu / bare.cpu:.1f} "
        f"| {1e3 * each.wall:.0f} |"
        for name, each in best.items()
    ]
    return [
        f"Cold process, one settings file, {START_NODES} nodes; shortest of {runs} runs each, taking turns:",
        "",
        "| command | processor ms | above bare Python | times bare Python | wall ms |",
        "|---|---|---|---|---|",
        *rows,
    ]


def growth(folder: Path, runs: int) -> list[str]:
    """The table of large graphs, and the exponent with which time grows."""
    cases = {(MANY_NODES, MANY_RULES): runs} | {(size, 10): runs for size in SIZES}
    rows, points = [], []
    for num_nodes, num_rules in cases:
        graph, settings = folder / f"{num_nodes}.graph.json", folder / f"{num_nodes}.yaml"
        write_graph(graph, num_nodes)
        write_settings(settings, num_nodes, num_rules)
        commands = {"bare": [sys.executable, "-c", "pass"], "lint": lint(settings, graph, "--no-cache")}
        best = shortest(commands, runs, folder / "cache")
        graph.unlink()
        above = best["lint"].cpu - best["bare"].cpu
        rows.append(f"| {num_nodes} | {num_rules} | {best['lint'].cpu:.2f} | {best['lint'].wall:.2f} |")
        if num_nodes in SIZES:
            points.append((math.log(num_nodes), math.log(above)))
    return [
        f"Large graphs, uncached; shortest of {runs} runs:",
        "",
        "| nodes | rules for layers | processor s | wall s |",
        "|---|---|---|---|",
        *rows,
        "",
        f"From {SIZES[0]} to {SIZES[-1]} nodes, time above bare Python grows as nodes to the power "
        f"{slope(points):.2f}.",
    ]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """That of the line with the least squares."""
    x_mean = math.fsum(x for x, _ in points) / len(points)
    y_mean = math.fsum(y for _, y in points) / len(points)
    over = math.fsum((x - x_mean) * (y - y_mean) for x, y in points)
    return over / math.fsum((x - x_mean) ** 2 for x, _ in points)


def main() -> None:
    """Measure, and print Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="cold starts of each command")
    parser.add_argument("--large-runs", type=int, default=3, help="runs for each large graph; 0 for none")
    parser.add_argument("--about", default="", help="a sentence on the machine and the environment")
    given = parser.parse_args()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}, load {load}. {given.about}\n")
    with tempfile.TemporaryDirectory() as name:
        print("\n".join(start(Path(name), given.runs)))
        if given.large_runs:
            print("\n" + "\n".join(growth(Path(name), given.large_runs)))


if __name__ == "__main__":
    main()

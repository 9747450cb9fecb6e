"""How long planning takes, and how much memory, as graphs and rules grow; beside other libraries' reachability.

    python benchmarks/planning_scale.py --peers path/to/other/python --about "2 cores, idle"

Every case runs in a process of its own. A time is processor time, of several repetitions the shortest; memory is the
peak of the process above what the graph alone took. `--peers` is a Python that has networkx, rustworkx and nncf
(3.4.0); it needs no clika-core, and runs this same file on the same edges. Without it their columns stay empty.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from planning_graphs import FAMILIES, graph_of, settings_of, with_a_half

SIZES = (100, 1_000, 10_000, 100_000)
RULES = (1, 10, 100, 1_000)
LIMIT_SECONDS = 60.0

# measuring, in a process of its own


def shortest(actions: Iterable[Callable[[], object]]) -> float:
    """Seconds of processor time of the shortest of some runs, fewer where one takes long."""
    best = math.inf
    for action in actions:
        started = time.process_time()
        action()
        taken = time.process_time() - started
        best = min(best, taken)
        if taken > 2:
            break
    return best


def peak_mib() -> float:
    """The largest this process has been."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(family: str, size: int, count: int, repetitions: int) -> dict[str, float]:
    """One case: first plan, plan after one rule changed, nodes between the ends, peak memory."""
    from clika_core.ir.graph import Graph
    from clika_core.ir.snapshot import load_graph
    from clika_core.planning.plan import make_plan
    from clika_core.planning.planner import Planner
    from clika_core.planning.reachability import between
    from clika_core.planning.variants import without_rule
    from clika_core.targets.ort import ORT

    graph = load_graph(family) if family.endswith(".json") else graph_of(family, size)
    before = peak_mib()
    settings = settings_of(graph, count)
    planner = Planner(graph, ORT)
    gc.collect()
    planner.plan(settings)
    memory = peak_mib() - before
    other = without_rule(settings, settings.rules[0].selector)
    again = shortest([partial(planner.plan, other), partial(planner.plan, settings)] * repetitions)
    half = with_a_half(graph, settings)
    rest = without_rule(half, half.rules[-1].selector)
    turning = zip(*[_turn(planner, rest, half) for _ in range(4 * repetitions)], strict=True)
    afresh = (partial(make_plan, Graph(graph.nodes), settings, ORT) for _ in range(repetitions))
    whole = shortest(afresh)
    ends = [1], [len(graph.nodes) - 2]
    found = between(graph, *ends)
    range_seconds = shortest([partial(between, graph, *ends)] * 5 * repetitions)
    return {
        "nodes": len(graph.nodes),
        "plan": whole,
        "again": again,
        "half": max(map(min, turning)),
        "between": range_seconds,
        "found": len(found),
        "mib": memory,
    }


def _turn(planner: Any, settings: Any, half: Any) -> tuple[float, float]:
    """Half of the layers turn float, and back."""
    return shortest([partial(planner.plan, half)]), shortest([partial(planner.plan, settings)])


# peers, in their own environment: nothing of clika-core is imported


def peers(edges_file: str, repetitions: int) -> dict[str, float]:
    """Nodes between the first layer and the last, as others find them."""
    num_nodes, edges = json.loads(Path(edges_file).read_text())
    start, end = 1, num_nodes - 2
    found: dict[str, float] = {}
    import networkx
    import rustworkx

    graph = networkx.DiGraph(edges)
    found["networkx"] = shortest(
        [lambda: networkx.descendants(graph, start) & networkx.ancestors(graph, end)] * repetitions
    )
    rust = rustworkx.PyDiGraph()
    rust.add_nodes_from(range(num_nodes))
    rust.add_edges_from_no_data([(a, b) for a, b in edges])
    found["rustworkx"] = shortest(
        [lambda: rustworkx.descendants(rust, start) & rustworkx.ancestors(rust, end)] * repetitions
    )
    return found


def nncf_subgraph(edges_file: str) -> dict[str, float]:
    """The same by NNCF's IgnoredScope with a Subgraph, which enumerates simple paths."""
    from nncf import IgnoredScope, Subgraph
    from nncf.common.graph import NNCFGraph
    from nncf.common.graph.layer_attributes import Dtype
    from nncf.scopes import get_ignored_node_names_from_ignored_scope

    num_nodes, edges = json.loads(Path(edges_file).read_text())
    graph = NNCFGraph()
    made = [graph.add_nncf_node(str(number), "conv", object) for number in range(num_nodes)]
    ports = [0] * num_nodes
    for a, b in edges:
        graph.add_edge_between_nncf_nodes(made[a].node_id, made[b].node_id, [1], 0, ports[b], Dtype.FLOAT)
        ports[b] += 1
    scope = IgnoredScope(subgraphs=[Subgraph(inputs=["1"], outputs=[str(num_nodes - 2)])])
    started = time.process_time()
    names = get_ignored_node_names_from_ignored_scope(scope, graph)
    return {"nncf": time.process_time() - started, "found": len(names)}


# the whole


def in_process(python: str, *arguments: str, limit: float = 10 * LIMIT_SECONDS) -> dict[str, float] | None:
    """What a case returns; None where it fails or takes too long."""
    try:
        done = subprocess.run(
            [python, __file__, *arguments],
            capture_output=True,
            text=True,
            timeout=limit,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as problem:
        print(f"{arguments}: {str(getattr(problem, 'stderr', '') or problem)[-300:]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_edges(path: Path, family: str, size: int) -> None:
    """The edges of the graph of that family and size, or in that file, output included."""
    if family in FAMILIES:
        producers = [[], *FAMILIES[family](size)]
        producers.append([len(producers) - 1])
    else:
        from clika_core.ir.snapshot import load_graph

        producers = [list(found) for found in load_graph(family).producers]
    edges = [(a, b) for b, found in enumerate(producers) for a in found]
    path.write_text(json.dumps([len(producers), edges]))


def exponent(points: list[tuple[float, float]]) -> float:
    """The slope of a straight line through the logarithms: time grows as nodes to this power."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    slope: float = sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)
    return slope


def milliseconds(seconds: float | None) -> str:
    """As a table shows it."""
    return "" if seconds is None else f"{seconds * 1000:,.1f}"


def report(arguments: argparse.Namespace) -> Iterator[str]:
    """The results, line by line."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    yield "# Speed of planning"
    yield ""
    yield f"{datetime.date.today()}, Python {platform.python_version()}, load {load}. {arguments.about}."
    yield ""
    yield from _by_size(arguments)
    yield from _traced(arguments)
    yield from _by_rules()
    yield from _largest(arguments)
    yield from _nncf(arguments)


def _by_size(arguments: argparse.Namespace) -> Iterator[str]:
    yield (
        "100 rules of every kind; processor milliseconds, from a graph of which nothing was prepared yet. *one rule "
        "changed*: planned again. *half turned*: the same for a rule that skips everything downstream of the "
        "middle, the slower of putting it in and taking it out. *between*: nodes between the first layer and the "
        "last."
    )
    yield ""
    yield "| graph | nodes | plan | one rule changed | half turned | MiB | between | networkx | rustworkx |"
    yield "|---|---|---|---|---|---|---|---|---|"
    exponents = {}
    for family in FAMILIES:
        points = []
        for size in SIZES:
            found = in_process(sys.executable, "--case", family, str(size), "100")
            if found is None:
                continue
            others = _peers(arguments, family, size)
            points.append((found["nodes"], found["plan"]))
            cells = [milliseconds(found[key]) for key in ("plan", "again", "half")]
            cells += [f"{found['mib']:.0f}", milliseconds(found["between"])]
            cells += [milliseconds(others.get(name)) for name in ("networkx", "rustworkx")]
            yield f"| {family} | {found['nodes']:,} | {' | '.join(cells)} |"
        if len(points) > 2:
            exponents[family] = exponent(points[1:])
    yield ""
    shown = ", ".join(f"{family} {value:.2f}" for family, value in exponents.items())
    yield f"From 1,000 nodes on, the time of a plan grows as nodes to the power: {shown}."
    yield ""


def _peers(arguments: argparse.Namespace, family: str, size: int) -> dict[str, float]:
    if not arguments.peers:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "edges.json")
        write_edges(path, family, size)
        return in_process(arguments.peers, "--peer-case", str(path)) or {}


def _traced(arguments: argparse.Namespace) -> Iterator[str]:
    """Networks as they are; NNCF is given a minute for each."""
    if not arguments.graph:
        return
    yield "Traced networks, 100 rules:"
    yield ""
    yield "| network | nodes | plan | one rule changed | between | networkx | rustworkx | NNCF |"
    yield "|---|---|---|---|---|---|---|---|"
    for file in arguments.graph:
        found = in_process(sys.executable, "--case", file, "0", "100")
        if found is None:
            continue
        others = _peers(arguments, file, 0)
        theirs = _nncf_of(arguments, file, 0)
        nncf = milliseconds(theirs["nncf"]) if theirs else f"over {LIMIT_SECONDS * 1000:,.0f}"
        cells = [milliseconds(found[key]) for key in ("plan", "again")]
        cells += [f"{found['between'] * 1000:.3f}"]
        cells += [milliseconds(others.get(name)) for name in ("networkx", "rustworkx")]
        cells += [nncf if arguments.peers else ""]
        yield f"| {Path(file).name.partition('.')[0]} | {found['nodes']:,} | {' | '.join(cells)} |"
    yield ""


def _nncf_of(arguments: argparse.Namespace, family: str, size: int) -> dict[str, float] | None:
    if not arguments.peers:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "edges.json")
        write_edges(path, family, size)
        return in_process(arguments.peers, "--nncf-case", str(path), limit=LIMIT_SECONDS)


def _by_rules() -> Iterator[str]:
    size = 10_000
    yield f"A ladder of {size:,} nodes:"
    yield ""
    yield "| rules | plan | one rule changed |"
    yield "|---|---|---|"
    for count in RULES:
        found = in_process(sys.executable, "--case", "ladder", str(size), str(count))
        if found is not None:
            yield f"| {count:,} | {milliseconds(found['plan'])} | {milliseconds(found['again'])} |"
    yield ""


def _largest(arguments: argparse.Namespace) -> Iterator[str]:
    size = arguments.largest
    found = in_process(sys.executable, "--case", "chain", str(size), "10") if size else None
    if found is not None:
        seconds, mib = found["plan"], found["mib"]
        yield f"A chain of {found['nodes']:,} nodes, 10 rules: {seconds:.1f} s, {mib:,.0f} MiB above the graph."
        yield ""


def _nncf(arguments: argparse.Namespace) -> Iterator[str]:
    """Residual blocks: what enumerating paths costs."""
    yield "Everything between the ends of n residual blocks:"
    yield ""
    yield "| blocks | nodes | ours | NNCF | same set |"
    yield "|---|---|---|---|---|"
    for blocks in (6, 10, 14, 16, 18):
        size = 3 * blocks
        ours = in_process(sys.executable, "--case", "ladder", str(size), "1")
        theirs = _nncf_of(arguments, "ladder", size)
        if ours is not None:
            same = "" if theirs is None else ("yes" if theirs["found"] == ours["found"] else "no")
            nncf = milliseconds(theirs["nncf"]) if theirs else ""
            cells = [f"{ours['between'] * 1000:.3f}", nncf, same]
            yield f"| {blocks} | {ours['nodes']} | {' | '.join(cells)} |"


def main() -> None:
    """Run the benchmark, or one case of it in this process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", help="a Python with networkx, rustworkx and nncf")
    parser.add_argument("--about", default="machine not named", help="what the machine is, and how busy")
    parser.add_argument("--graph", action="append", default=[], help="a traced graph to plan too")
    parser.add_argument(
        "--largest", type=int, default=1_000_000, help="nodes of the longest chain; 0: leave out"
    )
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--peer-case", help=argparse.SUPPRESS)
    parser.add_argument("--nncf-case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        family, size, count = given.case
        print(json.dumps(measure(family, int(size), int(count), given.repetitions)))
    elif given.peer_case:
        print(json.dumps(peers(given.peer_case, given.repetitions)))
    elif given.nncf_case:
        print(json.dumps(nncf_subgraph(given.nncf_case)))
    else:
        for line in report(given):
            print(line, flush=True)


if __name__ == "__main__":
    main()

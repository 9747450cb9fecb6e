"""Start-up of the commands that need no framework: processor time of fresh processes, on a graph of 1,000 layers.

python benchmarks/start_up.py > benchmarks/results/start_up.md
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from clika_core import __version__
from clika_core.testing.builder import GraphBuilder

ROUNDS = 11
HEAVY = ("torch", "tensorflow", "jax", "numpy", "onnx", "onnxruntime")
CLIKA = "import sys; from clika_core.cli.main import main; main(sys.argv[1:])"
SETTINGS = """\
layer_settings:
  "op:relu":
    quantization_settings: {skip_quantization: true}
  conv_3:
    quantization_settings: {skip_quantization: true, skip_quantization_until: [conv_9]}
"""
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import numpy'": ["-c", "import numpy"],
    "clika --help": ["-c", CLIKA, "--help"],
    "clika plan": ["-c", CLIKA, "plan", "model.graph.json", "-s", "s.yaml"],
    "clika explain": ["-c", CLIKA, "explain", "model.graph.json", "conv_5", "-s", "s.yaml"],
    "clika draw -o x.dot": ["-c", CLIKA, "draw", "model.graph.json", "-s", "s.yaml", "-o", "x.dot"],
    "clika diff": ["-c", CLIKA, "diff", "model.graph.json", "model.graph.json"],
    "clika settings": ["-c", CLIKA, "settings"],
}


def seconds(arguments: list[str], folder: Path) -> float:
    """Processor time, user and system, of one fresh process."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
    after = os.times()
    return (after.children_user + after.children_system) - (before.children_user + before.children_system)


def write_graph(folder: Path, blocks: int = 333) -> None:
    """A chain of convolutions, batch norms and relus."""
    builder = GraphBuilder()
    value = builder.input("x", ("d0", 8, 8, 8))
    for _ in range(blocks):
        value = builder.layer("conv", value, weight=(8, 8, 3, 3))
        value = builder.layer("relu", builder.layer("batch_norm", value))
    builder.output(value)
    builder.build().save(folder / "model.graph.json")


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_graph(folder)
        (folder / "s.yaml").write_text(SETTINGS)
        found: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(ROUNDS):
            for command, arguments in COMMANDS.items():  # they take turns, so that noise is shared
                found[command].append(seconds(arguments, folder))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"# Start-up, clika-core {__version__}\n\n{date.today()}, {os.cpu_count()} cores, load {load}.\n")
    print(f"Processor time in milliseconds of fresh processes, median of {ROUNDS} taking turns; 999 layers; "
          f"Python {platform.python_version()}, warm files.\n")  # fmt: skip
    print("| command | median | least |\n|---|---|---|")
    for command, times in found.items():
        print(f"| `{command}` | {statistics.median(times) * 1000:.0f} | {min(times) * 1000:.0f} |")


if __name__ == "__main__":
    main()

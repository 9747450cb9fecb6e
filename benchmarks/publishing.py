"""What benchmarks that write a page of `results/` share: two options, and where the page goes."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser_of_page(description: str | None) -> argparse.ArgumentParser:
    """Options of a benchmark that writes one page: `-o FILE` and `--about`, a sentence on the machine."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--about", default="", help="a sentence on the machine")
    return parser


def publish(text: str, output: Path | None) -> None:
    """Print the page, and write it to `output` where one is given."""
    print(text)
    if output:
        output.write_text(text, encoding="utf-8", newline="\n")

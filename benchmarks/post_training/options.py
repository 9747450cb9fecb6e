"""Options of the programs that measure on these cases."""

from __future__ import annotations

import argparse
from pathlib import Path

UNTOUCHED_SEEDS = (101, 102, 103)
"""No default was chosen by the samples that these draw."""


def parser_of_samples(description: str | None) -> argparse.ArgumentParser:
    """Where data lies, and which models and seeds are measured."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, help="needed to measure anything")
    parser.add_argument("--weights", type=Path, help="of the residual net; made where missing")
    parser.add_argument("--models", nargs="*", help="none but these")
    parser.add_argument("--seeds", nargs="+", type=int, default=UNTOUCHED_SEEDS)
    return parser

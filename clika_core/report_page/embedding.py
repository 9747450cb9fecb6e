"""The script libraries and our own script inside the page, each allowed by its hash and by nothing else.

`vendor/NOTICE` names the libraries, their versions and licences; their files are as their makers published them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_SCRIPTS: Final = (
    "vendor/uplot/uPlot.iife.min.js",
    "vendor/tabulator/tabulator.min.js",
    "vendor/panzoom/panzoom.min.js",
    "assets/values.js",
    "assets/chart.js",
    "assets/curves.js",
    "assets/graph.js",
    "assets/table.js",
    "assets/page.js",
)
_STYLES: Final = (
    "vendor/uplot/uPlot.min.css",
    "vendor/tabulator/tabulator_simple.min.css",
    "assets/page.css",
)
_SOURCE_MAP: Final = re.compile(r"\n?//# sourceMappingURL=\S*\s*$|/\*# sourceMappingURL=\S* ?\*/\s*$")


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and its hash as a content security policy names it."""

    text: str

    @property
    def source(self) -> str:
        """`'sha256-...'`."""
        return f"'sha256-{b64encode(sha256(self.text.encode()).digest()).decode()}'"


def scripts() -> list[Script]:
    """In the order in which they run."""
    return [Script(_read(name)) for name in _SCRIPTS]


def styles() -> list[str]:
    """In the order in which they apply."""
    return [_read(name) for name in _STYLES]


def policy(used: Sequence[Script]) -> str:
    """What the page may do: run `used` and style itself. It may load nothing, and send nothing anywhere."""
    allowed = " ".join(script.source for script in used)
    rules = ("default-src 'none'", f"script-src {allowed}", "style-src 'unsafe-inline'", "img-src data:")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def _read(name: str) -> str:
    """The file without the pointer to its source map, which would be looked for beside the page."""
    return _SOURCE_MAP.sub("\n", (_HERE / name).read_text(encoding="utf-8"))

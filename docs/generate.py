"""Writes the reference pages that follow from the code: `python -m docs.generate`, in the root of the repository.

A test compares the committed pages with what the code says. The pages of lint rules have their own generator,
`clika_linter.rule_pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs.generators import commands, files, hooks, models, operators, settings, targets

REFERENCE: Final = Path(__file__).parent / "reference"
MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    "command-line.md": commands.page_text,
    "settings.md": settings.page_text,
    "operators.md": operators.page_text,
    "targets.md": targets.page_text,
    "hooks.md": hooks.page_text,
    "report.md": files.report_page,
    "plan.md": files.plan_page,
    "measured.md": files.measured_page,
    "models.md": models.page_text,
}
"""By name of the page."""


def pages() -> dict[str, str]:
    """Every page, as it should be."""
    return {name: make() for name, make in MAKERS.items()}


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

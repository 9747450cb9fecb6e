"""Markdown: tables whose cells cannot break them, and the head of a page that says where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def page(title: str, introduction: str, *parts: str) -> str:
    """A whole page."""
    note = "<!-- Written by `python -m docs.generate`; do not edit. -->"
    return "\n\n".join([f"# {title}", note, introduction, *(part for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a vertical bar in a cell is escaped."""
    lines = [_row(head), "|" + "---|" * len(head), *map(_row, rows)]
    return "\n".join(lines)


def code(text: str) -> str:
    """A word in code; nothing for nothing."""
    return f"`{text}`" if text else ""


def codes(texts: Iterable[str]) -> str:
    """Words in code, separated by commas."""
    return ", ".join(map(code, texts))


def block(text: str, language: str = "text") -> str:
    """A fenced block."""
    return f"```{language}\n{text.strip()}\n```"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

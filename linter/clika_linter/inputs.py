"""Reads the files of one run: settings texts as they are, graph and reports once for all settings files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clika_core.errors import ClikaError, Location, SettingsError, nearest
from clika_core.ir.graph import Graph
from clika_core.ir.snapshot import load_graph
from clika_core.settings.document import Document
from clika_core.settings.load import read_document_file
from clika_core.settings.messages import shorten
from clika_linter.context import Context
from clika_linter.discovery import COMMENT_WORDS, Pairing
from clika_linter.report import Report, read_report

T = TypeVar("T")


class Inputs:
    """Keeps what was read, by file name."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._graphs: dict[str, Graph | ClikaError] = {}
        self._reports: dict[str, Report | ClikaError] = {}

    def context(self, document: Document, pairing: Pairing) -> Context:
        """What rules see of a settings file; a graph or report that cannot be read is named in it."""
        graph = _read(self._graphs, pairing.graph, load_graph)
        report = _read(self._reports, pairing.report, read_report)
        reference = _read(self._reports, pairing.reference, read_report)
        errors = [found for found in (graph, report, reference) if isinstance(found, ClikaError)]
        errors += [_unknown_word(document.source.file, word, line) for word, line in pairing.unknown]
        return Context(
            document,
            graph if isinstance(graph, Graph) else None,
            report if isinstance(report, Report) else None,
            reference if isinstance(reference, Report) else None,
            input_errors=errors,
        )


def read_settings(file: str) -> Document:
    """The content of a settings file. Raises SettingsError if it cannot be opened, or is of no known format."""
    return read_document_file(file)


def _unknown_word(file: str, word: str, line: int) -> SettingsError:
    close = nearest(word, list(COMMENT_WORDS), limit=1)
    return SettingsError(
        f"the comment that names the graph has {shorten(word)!r}",
        expected=", ".join(COMMENT_WORDS),
        fix=f"did you mean {close[0]!r}?" if close else None,
        location=Location(file, line),
    )


def _read(
    known: dict[str, T | ClikaError], file: str | None, read: Callable[[str], T]
) -> T | ClikaError | None:
    if file is None:
        return None
    if file not in known:
        try:
            known[file] = read(file)
        except ClikaError as problem:
            problem.location = problem.location or Location(file, 1)
            known[file] = problem
        except (MemoryError, RecursionError) as problem:
            known[file] = SettingsError(
                f"{file} cannot be read", found=type(problem).__name__, location=Location(file, 1)
            )
    return known[file]

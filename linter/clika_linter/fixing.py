"""Applies fixes to texts and files, until nothing is left to fix."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from clika_core.errors import OutputError
from clika_core.files import write_whole
from clika_core.settings.document import Document
from clika_core.settings.interpret import interpret
from clika_core.settings.load import format_of, read_document, read_document_file
from clika_linter.finding import Edit, Fix, Safety
from clika_linter.reported import Reported

if TYPE_CHECKING:
    from clika_linter.running import FileResult

MAX_PASSES: Final = 50


class Fixed(NamedTuple):
    """A file's text before and after, and how many fixes made the difference."""

    file: str
    before: str
    after: str
    num_fixes: int = 0

    def diff(self) -> str:
        """The difference, as `patch` reads it."""
        from difflib import unified_diff

        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), self.file, self.file
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )

    def write(self) -> None:
        """Put the text after in place of the text before. Raises OutputError."""
        write_text(self.file, self.after)


def fix_file(file: str, lint: Callable[[Document], FileResult], *, is_unsafe_allowed: bool) -> Fixed:
    """Fix a file's text, not the file itself. Raises SettingsError where it cannot be opened."""
    return fix_document(
        read_document_file(file), lambda d: lint(d).findings, is_unsafe_allowed=is_unsafe_allowed
    )


def fix_document(
    document: Document, lint: Callable[[Document], Iterable[Reported]], *, is_unsafe_allowed: bool
) -> Fixed:
    """Lint and fix until no fix is left, or the text comes round again.

    A fix after which the file has more problems than before is left out: edits keep what they claim.
    """
    before = document.source.text
    seen = {before}
    count = 0
    for _ in range(MAX_PASSES):
        fixes = [fix for finding in lint(document) if (fix := _usable(finding, is_unsafe_allowed))]
        document, num_applied = _apply_all(document, fixes)
        count += num_applied
        if not num_applied or document.source.text in seen:
            break
        seen.add(document.source.text)
    return Fixed(document.source.file, before, document.source.text, count)


def write_text(file: str, text: str) -> None:
    """Replace a file's text, byte order mark and permissions kept, whole or not at all. Raises OutputError."""
    path = Path(file).resolve()
    try:
        has_mark = path.read_bytes().startswith(codecs.BOM_UTF8)
        content = (codecs.BOM_UTF8 if has_mark else b"") + text.encode("utf-8")
        write_whole(path, content, mode=path.stat().st_mode & 0o777)
    except OSError as problem:
        raise OutputError(f"{file} cannot be written", found=problem.strerror) from None


def apply_edits(text: str, fixes: Iterable[Sequence[Edit]]) -> str:
    """`text` with as many of the fixes as do not overlap, in order of their place; a fix is whole or not at all."""
    return _apply(text, _compatible(fixes))


def _apply_all(document: Document, fixes: Sequence[Fix]) -> tuple[Document, int]:
    """The document with all compatible fixes; one by one where together they do harm."""
    chosen = _compatible([fix.edits for fix in fixes])
    together = _harmless(document, chosen)
    if together is not None:
        return together, len(chosen)
    for edits in chosen:
        alone = _harmless(document, [edits])
        if alone is not None:
            return alone, 1
    return document, 0


def _harmless(document: Document, fixes: Sequence[Sequence[Edit]]) -> Document | None:
    """The document with `fixes`; None where it has more problems then, or no fewer places to fix."""
    if not fixes:
        return None
    text = _apply(document.source.text, fixes)
    mended = read_document(text, document.source.file, format_of(document.source.file))
    more = len(interpret(mended)[1]) > len(interpret(document)[1])
    lost = document.root is not None and mended.root is None
    return None if more or lost else mended


def _usable(finding: Reported, is_unsafe_allowed: bool) -> Fix | None:
    fix = finding.fix
    return fix if fix and (is_unsafe_allowed or fix.safety is Safety.SAFE) else None


def _compatible(fixes: Iterable[Sequence[Edit]]) -> list[Sequence[Edit]]:
    chosen: list[Sequence[Edit]] = []
    taken: list[Edit] = []
    for edits in sorted(fixes, key=sorted):
        if not any(_overlap(edit, other) for edit in edits for other in taken):
            chosen.append(edits)
            taken += edits
    return chosen


def _apply(text: str, fixes: Iterable[Sequence[Edit]]) -> str:
    for edit in sorted((edit for edits in fixes for edit in edits), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _overlap(a: Edit, b: Edit) -> bool:
    """Whether two edits share characters, or put text at the same place."""
    return a.start == b.start or (a.start < b.end and b.start < a.end)

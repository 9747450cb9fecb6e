"""Baselines: the findings that a project has already. New ones fail; fixed ones must leave the file (a ratchet)."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from clika_core.errors import OutputError, SettingsError
from clika_core.settings.messages import shorten
from clika_linter.discovery import shown
from clika_linter.fingerprints import fingerprint
from clika_linter.reported import WORKPLACE, Reported
from clika_linter.reporter import BaselineResult

_FORMAT: Final = "clika-lint-baseline"
_FIX: Final = "write it with `clika lint --baseline FILE --write-baseline`"
MAX_BYTES: Final = 64 * 2**20


class Known(NamedTuple):
    """One finding of a baseline; `file` is relative to the baseline's folder."""

    file: str
    code: str
    fingerprint: str
    message: str


class Baseline(NamedTuple):
    """The known findings of a project."""

    file: str
    known: tuple[Known, ...]

    def apply(
        self, findings: Sequence[Reported], texts: Mapping[str, str], linted: Mapping[str, Iterable[str]]
    ) -> tuple[tuple[Reported, ...], BaselineResult]:
        """The findings that are new, and what became of the others. `linted` maps files to the codes that ran."""
        left = Counter((known.file, known.fingerprint) for known in self.known)
        new = []
        for finding in findings:
            key = self._key(finding, texts)
            if left[key] > 0:
                left[key] -= 1
            else:
                new.append(finding)
        ran = {self._relative(file): set(codes) for file, codes in linted.items()}
        fixed = []
        for known in self.known:
            key = (known.file, known.fingerprint)
            if left[key] > 0 and (known.code in ran.get(known.file, ()) or self._is_gone(known)):
                left[key] -= 1
                fixed.append(f"{known.file}: {known.code} {known.message}")
        return tuple(new), BaselineResult(self.file, len(findings) - len(new), tuple(fixed))

    def write(
        self, findings: Iterable[Reported], texts: Mapping[str, str], linted: Mapping[str, Iterable[str]]
    ) -> int:
        """Replace what the file says of rules that ran on files; returns how many findings stand in it.

        Raises OutputError where it cannot be written.
        """
        ran = {self._relative(file): set(codes) for file, codes in linted.items()}
        kept = [
            known
            for known in self.known
            if known.code not in ran.get(known.file, ()) and not self._is_gone(known)
        ]
        found = [self._known(finding, texts) for finding in findings if finding.file != WORKPLACE]
        rows = sorted(
            [*kept, *found], key=lambda known: (known.file, known.code, known.message, known.fingerprint)
        )
        lines = ",\n".join(f"  {json.dumps(_row(known), ensure_ascii=False)}" for known in rows)
        body = f"[\n{lines}\n ]" if rows else "[]"
        text = f'{{\n "format": "{_FORMAT}",\n "version": 1,\n "findings": {body}\n}}\n'
        try:
            Path(self.file).write_text(text, encoding="utf-8", newline="\n")
        except OSError as problem:
            raise OutputError(f"{self.file} cannot be written", found=problem.strerror) from None
        return len(rows)

    def _known(self, finding: Reported, texts: Mapping[str, str]) -> Known:
        file, found = self._key(finding, texts)
        return Known(file, finding.code, found, shorten(finding.message))

    def _key(self, finding: Reported, texts: Mapping[str, str]) -> tuple[str, str]:
        relative = self._relative(finding.file)
        text = {relative: texts.get(finding.file, "")}
        return relative, fingerprint(finding._replace(file=relative), text)

    def _is_gone(self, known: Known) -> bool:
        """Whether the file of a finding is not there any more."""
        return not (Path(self.file).absolute().parent / known.file).exists()

    def _relative(self, file: str) -> str:
        """A file as the baseline names it, wherever the linter is started."""
        folder, path = Path(os.path.abspath(self.file)).parent, Path(os.path.abspath(file))
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def read_baseline(path: str, *, may_be_missing: bool = False) -> Baseline:
    """The baseline in a file. Raises SettingsError for a file that is none."""
    name = shown(path)
    if may_be_missing and not os.path.exists(path):
        return Baseline(name, ())
    try:
        with open(path, "rb") as stream:
            document: Any = json.loads(stream.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError) as problem:
        raise SettingsError(f"the baseline {name} cannot be read", found=str(problem), fix=_FIX) from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise SettingsError(
            f"{name} is no baseline", expected=f'an object with "format": "{_FORMAT}"', fix=_FIX
        )
    rows = document.get("findings")
    known = [_known(row) for row in rows] if isinstance(rows, list) else [None]
    if None in known:
        raise SettingsError(f"the baseline {name} is damaged", fix=_FIX)
    return Baseline(name, tuple(row for row in known if row is not None))


def _known(row: Any) -> Known | None:
    keys = ("file", "code", "fingerprint", "message")
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in keys):
        return None
    return Known(*(row[key] for key in keys))


def _row(known: Known) -> dict[str, str]:
    return {
        "file": known.file,
        "code": known.code,
        "fingerprint": known.fingerprint,
        "message": known.message,
    }

"""`Linter`: lints settings files one by one, through the cache, with every graph that belongs to each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from clika_core.errors import SettingsError, nearest
from clika_core.settings.value_type import InvalidValueError
from clika_linter.cache import ResultCache
from clika_linter.configuration import Configuration
from clika_linter.discovery import Pairing, pairings_of
from clika_linter.entry import RuleEntry
from clika_linter.reported import Reported
from clika_linter.selection import Selection

if TYPE_CHECKING:
    from clika_core.settings.document import Document
    from clika_linter.context import Context


class FileResult(NamedTuple):
    """The findings of one settings file, sorted; how many were suppressed; which rules lacked what."""

    file: str
    findings: tuple[Reported, ...]
    num_suppressed: int = 0
    left_out: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    target_error: str | None = None
    ran: frozenset[str] = frozenset()


class Linter:
    """Everything that stays the same from file to file."""

    def __init__(
        self,
        entries: Sequence[RuleEntry],
        configuration: Configuration,
        selection: Selection,
        given: Pairing,
        cache: ResultCache,
    ) -> None:
        """`entries` are all rules there are. Raises SettingsError for words or options that stand for nothing."""
        selection.check(entries)
        self._entries = entries
        self._configuration = configuration
        self._selection = selection
        self._given = given
        self._cache = cache
        self._options = _checked_options(configuration, entries)
        self._inputs: Any = None
        self._engine: Any = None

    def lint(self, file: str) -> FileResult:
        """Lint a file as it is on disk. Raises SettingsError where it cannot be opened."""
        text = _start_of(file)
        pairings = pairings_of(file, text, self._given, self._configuration)
        rules = self._selection.rules_for(file, self._entries)
        parts = [
            file,
            [p.files for p in pairings],
            [r.code for r in rules],
            repr(self._options),
            self._must_reason,
        ]
        key = self._cache.key(parts, [file, *(name for pairing in pairings for name in pairing.files)])
        cached = self._cache.get(file, key)
        if cached is not None:
            return _from_cache(file, *cached)
        from clika_linter.inputs import read_settings

        result = self._check(file, read_settings(file), pairings, rules)
        self._cache.put(file, key, result.findings, _beside(result))
        return result

    def lint_document(self, document: Document) -> FileResult:
        """Lint a text that is not on disk, such as one that is being fixed."""
        file = document.source.file
        pairings = pairings_of(file, document.source.text, self._given, self._configuration)
        return self._check(file, document, pairings, self._selection.rules_for(file, self._entries))

    def is_ignored(self, code: str) -> bool:
        """Whether findings of the linter itself, such as crashes, are unwanted."""
        return self._selection.is_ignored(code, self._entries)

    def contexts(self, document: Document) -> list[tuple[Pairing, Context]]:
        """What rules see of a file, once for each graph."""
        file = document.source.file
        pairings = pairings_of(file, document.source.text, self._given, self._configuration)
        return [(pairing, self._reader().context(document, pairing)) for pairing in pairings]

    @property
    def _must_reason(self) -> bool:
        return self._configuration.require_reason

    def _check(
        self, file: str, document: Document, pairings: Sequence[Pairing], rules: Sequence[RuleEntry]
    ) -> FileResult:
        from clika_linter.engine import CRASHED, Engine
        from clika_linter.merging import merged
        from clika_linter.suppressing import UNUSED, Suppressor
        from clika_linter.suppression import find_suppressions

        self._engine = self._engine or Engine(self._options)
        contexts = [self._reader().context(document, pairing) for pairing in pairings]
        names = [pairing.graph if len(pairings) > 1 else None for pairing in pairings]
        outcomes = [
            self._engine.check(rules, context, name) for context, name in zip(contexts, names, strict=True)
        ]
        for_every = frozenset(entry.code for entry in rules if entry.holds_for_every_graph)
        findings = merged([outcome.findings for outcome in outcomes], for_every)
        if self.is_ignored(CRASHED[0]):
            findings = [finding for finding in findings if finding.code != CRASHED[0]]
        must_reason = self._must_reason
        suppressor = Suppressor(
            document.source, find_suppressions(document), self._entries, must_give_reason=must_reason
        )
        active = suppressor.active(findings)
        ran = frozenset[str]().union(*(outcome.ran for outcome in outcomes))
        num_suppressed = len(findings) - len(active)
        if any(entry.code == UNUSED[0] for entry in rules):
            active += suppressor.active(suppressor.unused(ran))
        target_errors = [context.target_error for context in contexts if document.root is not None]
        return FileResult(
            file,
            tuple(sorted(active, key=Reported.sort_key)),
            num_suppressed,
            _left_out(outcomes),
            next((error.message for error in target_errors if error), None),
            ran,
        )

    def _reader(self) -> Any:
        from clika_linter.inputs import Inputs

        self._inputs = self._inputs or Inputs()
        return self._inputs


def _left_out(outcomes: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """By need, the rules that no graph of the file could be checked with."""
    outcomes = list(outcomes)
    ran = {code for outcome in outcomes for code in outcome.ran}
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        for need, codes in outcome.left_out.items():
            found.setdefault(str(need), []).extend(code for code in codes if code not in ran)
    return {need: tuple(sorted(set(codes))) for need, codes in found.items() if codes}


def _checked_options(configuration: Configuration, entries: Sequence[RuleEntry]) -> dict[str, dict[str, Any]]:
    """The options of rules by attribute; a rule is imported only where the configuration has options for it."""
    by_name = {entry.name: entry for entry in entries}
    return {
        name: _options_of(configuration, name, given, by_name) for name, given in configuration.rules.items()
    }


def _options_of(
    configuration: Configuration, name: str, given: Mapping[str, Any], rules: Mapping[str, RuleEntry]
) -> dict[str, Any]:
    where = f"{configuration.file}: [tool.clika.lint.rules.{name}]"
    if name not in rules:
        close = nearest(name, list(rules), limit=1)
        raise SettingsError(
            f"{where}: there is no such rule", fix=f"did you mean {close[0]}?" if close else None
        )
    declared = rules[name].load().declared_options()
    values = {}
    for key, value in given.items():
        if key not in declared:
            known = ", ".join(declared) or "none: the rule has no options"
            raise SettingsError(f"{where} has no option {key!r}", expected=known)
        try:
            values[declared[key].attribute] = declared[key].value_type.check(value)
        except InvalidValueError as problem:
            words = f"{where}: invalid value of {key}"
            raise SettingsError(words, found=problem.found, expected=problem.expected) from None
    return values


def _start_of(file: str) -> str:
    """The first characters of a file, for the comment that names its graph."""
    try:
        with open(file, "rb") as stream:
            return stream.read(8192).decode("utf-8-sig", errors="replace")
    except OSError as problem:
        raise SettingsError(f"{file} cannot be read", found=problem.strerror) from None


def _beside(result: FileResult) -> dict[str, Any]:
    return {
        "num_suppressed": result.num_suppressed,
        "left_out": {need: list(codes) for need, codes in result.left_out.items()},
        "target_error": result.target_error,
        "ran": sorted(result.ran),
    }


def _from_cache(file: str, findings: list[Reported], beside: Mapping[str, Any]) -> FileResult:
    return FileResult(
        file,
        tuple(findings),
        beside["num_suppressed"],
        {need: tuple(codes) for need, codes in beside["left_out"].items()},
        beside["target_error"],
        frozenset(beside["ran"]),
    )

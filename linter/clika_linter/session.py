"""`Session`: one `clika lint`, from options to exit code."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from clika_core.errors import OutputError, SettingsError, nearest
from clika_linter.cache import ResultCache
from clika_linter.configuration import Configuration, find_configuration, read_configuration
from clika_linter.discovery import Pairing, find_files
from clika_linter.fail_on import FailOn
from clika_linter.options import Options
from clika_linter.registry import registered
from clika_linter.reported import WORKPLACE, Reported
from clika_linter.reporter import LintResult, Render
from clika_linter.running import FileResult, Linter
from clika_linter.selection import ALL, Selection

if TYPE_CHECKING:
    from clika_linter.baseline import Baseline

CLEAN: Final = 0
FOUND: Final = 1
_BROKEN_PLUGIN: Final = "CLK903"


class Session:
    """One run of the command."""

    def __init__(self, options: Options) -> None:
        """Take the options of the command line."""
        self._options = options

    def run(self) -> int:
        """Do what the options ask for; the exit code. Raises ClikaError for broken usage."""
        if self._options.explain or self._options.list_rules or self._options.list_formats:
            return self._inform()
        render = self._renderer()
        configuration = self._configuration()
        linter = self._linter(configuration)
        files = find_files(self._options.paths, configuration)
        if self._options.show_plan:
            return self._show_plans(linter, files)
        num_fixed = 0
        if self._options.fix or self._options.diff:
            num_changed, num_fixed = self._fix(linter, files)
            if self._options.diff:
                return FOUND if num_changed else CLEAN
        results = [linter.lint(file) for file in files]
        result = self._result(results, num_fixed)
        if linter.is_ignored(_BROKEN_PLUGIN):
            result = result._replace(findings=tuple(f for f in result.findings if f.code != _BROKEN_PLUGIN))
        baseline = self._baseline(configuration)
        ran = {found.file: found.ran for found in results}
        if baseline is not None and self._options.write_baseline:
            count = baseline.write(result.findings, result.texts, ran)
            _say(f"{baseline.file} holds {count} findings now.\n")
            return CLEAN
        if baseline is not None:
            new, outcome = baseline.apply(result.findings, result.texts, ran)
            result = result._replace(findings=new, baseline=outcome)
        self._print(_statistics(result) if self._options.statistics else render(result))
        return self._verdict(result, configuration)

    # what needs no file

    def _inform(self) -> int:
        from clika_linter.explaining import explain, rule_table

        if self._options.explain:
            self._print(explain(registered().rule(self._options.explain)))
        elif self._options.list_rules:
            self._print(rule_table(registered().rules, self._options.form))
        else:
            forms = sorted(registered().reporters.values(), key=lambda form: form.name)
            self._print("".join(f"{form.name:10}{form.description}\n" for form in forms))
        return CLEAN

    def _renderer(self) -> Render:
        found = registered().reporters.get(self._options.form)
        if found is None:
            names = sorted(registered().reporters)
            close = nearest(self._options.form, names, limit=1)
            fix = f"did you mean {close[0]!r}?" if close else None
            raise SettingsError(
                f"there is no output form {self._options.form!r}", expected=", ".join(names), fix=fix
            )
        return found.load()

    # the run

    def _configuration(self) -> Configuration:
        found = read_configuration(self._options.config) if self._options.config else find_configuration("")
        return found or Configuration()

    def _linter(self, configuration: Configuration) -> Linter:
        selection = Selection(
            self._options.select or configuration.select or (ALL,),
            (*configuration.extend_select, *self._options.extend_select),
            (*configuration.ignore, *self._options.ignore),
            configuration.per_file_ignores,
        )
        folder = configuration.cache_dir and os.path.join(configuration.folder, configuration.cache_dir)
        cache = ResultCache(folder, is_used=not self._options.no_cache)
        options = self._options
        given = Pairing.below("", (options.graph, options.report, options.reference_report))
        return Linter(registered().rules, configuration, selection, given, cache)

    def _baseline(self, configuration: Configuration) -> Baseline | None:
        place = self._options.baseline
        if place is None and configuration.baseline:
            place = os.path.join(configuration.folder, configuration.baseline)
        if place is None:
            if self._options.write_baseline:
                raise SettingsError("--write-baseline does not say where", fix="add --baseline FILE")
            return None
        from clika_linter.baseline import read_baseline

        return read_baseline(place, may_be_missing=self._options.write_baseline)

    def _result(self, results: list[FileResult], num_fixed: int) -> LintResult:
        found = [finding for result in results for finding in result.findings]
        found += registered().findings
        findings = tuple(sorted(found, key=Reported.sort_key))
        return LintResult(
            tuple(result.file for result in results),
            findings,
            registered().rules,
            _texts(findings),
            tuple(_notes(results)),
            sum(result.num_suppressed for result in results),
            num_fixed,
            is_coloured=self._is_coloured(),
        )

    def _fix(self, linter: Linter, files: list[str]) -> tuple[int, int]:
        """Fix every file, or show how; how many files change, and how many fixes that takes."""
        from clika_linter.fixing import fix_file

        fixed = [
            fix_file(file, linter.lint_document, is_unsafe_allowed=self._options.unsafe_fixes)
            for file in files
        ]
        changed = [result for result in fixed if result.before != result.after]
        if self._options.diff:
            self._print("".join(result.diff() for result in changed))
        else:
            for result in changed:
                result.write()
        return len(changed), sum(result.num_fixes for result in changed)

    def _show_plans(self, linter: Linter, files: list[str]) -> int:
        from clika_linter.showing import plans_text

        self._print("\n".join(plans_text(linter, file) for file in files))
        return CLEAN

    def _verdict(self, result: LintResult, configuration: Configuration) -> int:
        fail_on = FailOn(self._options.fail_on) if self._options.fail_on else configuration.fail_on
        is_stale = bool(result.baseline and result.baseline.fixed)
        return FOUND if is_stale or any(fail_on.is_failure(f.severity) for f in result.findings) else CLEAN

    # output

    def _is_coloured(self) -> bool:
        if self._options.color != "auto" or self._options.output_file:
            return self._options.color == "always"
        return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()

    def _print(self, text: str) -> None:
        if self._options.output_file:
            try:
                with open(self._options.output_file, "w", encoding="utf-8", newline="\n") as stream:
                    stream.write(text)
            except OSError as problem:
                raise OutputError(
                    f"{self._options.output_file} cannot be written", found=problem.strerror
                ) from None
        else:
            _say(text)


def _say(text: str) -> None:
    """Write to the console, whatever characters it knows."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _texts(findings: tuple[Reported, ...]) -> dict[str, str]:
    """The texts of the files that findings point into, as offsets count them."""
    from clika_linter.reading import readable_text

    return {file: readable_text(file) for file in {f.file for f in findings} if file != WORKPLACE}


def _notes(results: list[FileResult]) -> Iterator[str]:
    """What was left out, once for all files that lack the same."""
    from clika_linter.notes import notes

    return notes(results)


def _statistics(result: LintResult) -> str:
    counts: Mapping[tuple[str, str], int] = Counter((f.code, f.name) for f in result.findings)
    fixable = Counter(f.code for f in result.findings if f.fix)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    digits = len(str(max(counts.values(), default=0)))
    return "".join(
        f"{count:>{digits}}  {code}  {'[*]' if fixable[code] else '   '}  {name}\n"
        for (code, name), count in rows
    )

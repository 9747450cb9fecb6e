"""`clika lint --explain CODE` and `--list-rules`: the pages of rules, from their own text and cases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from clika_linter.case import Invalid, Valid
from clika_linter.entry import RuleEntry
from clika_linter.rule import Rule

_MARKS = str.maketrans("", "", "«»")


def explain(entry: RuleEntry) -> str:
    """The page of a rule as plain text, which is Markdown too."""
    rule = entry.load()
    return "\n".join(_page(rule)).rstrip() + "\n"


def rule_table(entries: Iterable[RuleEntry], form: str) -> str:
    """All rules: a table, or JSON."""
    rows = [
        {
            "code": entry.code,
            "name": entry.name,
            "severity": str(entry.severity),
            "needs": [str(need) for need in entry.needs],
            "fix": str(entry.fix) if entry.fix else None,
        }
        for entry in entries
    ]
    if form == "json":
        return json.dumps(rows, indent=1) + "\n"
    lines = [[str(row["code"]), str(row["severity"]), _fix(row["fix"]), str(row["name"])] for row in rows]
    widths = [max(map(len, column), default=0) for column in zip(*lines, strict=True)]
    shown = (
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return "".join(f"{line}\n" for line in shown)


def _fix(safety: object) -> str:
    return {None: "", "safe": "fix", "unsafe": "unsafe fix"}[safety if safety is None else str(safety)]


def _page(rule: type[Rule]) -> Iterator[str]:
    from inspect import cleandoc

    yield f"# {rule.name} ({rule.code})"
    yield ""
    fix = f"; {rule.fix} fix" if rule.fix else ""
    yield f"{rule.severity}; needs: {', '.join(rule.needs)}{fix}"
    yield ""
    yield cleandoc(rule.__doc__ or "")
    yield from _options(rule)
    yield from _cases("Found in", rule.INVALID)
    yield from _cases("Not found in", rule.VALID)


def _options(rule: type[Rule]) -> Iterator[str]:
    options = rule.declared_options()
    if options:
        yield ""
        yield "## Options"
        yield f"Under `[tool.clika.lint.rules.{rule.name}]` of `pyproject.toml`:"
        yield ""
        for name, option in options.items():
            yield f"- `{name}` ({option.value_type.expected}; default {option.default}): {option.description}"


def _cases(title: str, cases: Sequence[Valid]) -> Iterator[str]:
    if not cases:
        return
    yield ""
    yield f"## {title}"
    for case in cases:
        about = [case.about] if case.about else []
        if case.graph:
            about.append(f"graph: {' '.join((case.graph.__doc__ or case.graph.__name__).split())}")
        if case.report:
            about.append(f"report: {json.dumps(case.report)}")
        if case.options:
            about.append(f"options: {json.dumps(dict(case.options))}")
        yield ""
        yield f"```{case.syntax}"
        yield case.settings.translate(_MARKS).rstrip("\n") or "# no settings"
        yield "```"
        if isinstance(case, Invalid):
            yield from (f"- {message}" for message in case.messages)
        yield from (f"- {text.rstrip('.')}" for text in about)

"""The command line of `clika lint`: `Options`, and the table that click and `quick_start` both read it by."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple


class Options(NamedTuple):
    """The parameters of the command, by name."""

    paths: tuple[str, ...] = ()
    graph: str | None = None
    report: str | None = None
    reference_report: str | None = None
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: bool = False
    unsafe_fixes: bool = False
    diff: bool = False
    form: str = "text"
    list_formats: bool = False
    output_file: str | None = None
    fail_on: str | None = None
    baseline: str | None = None
    write_baseline: bool = False
    statistics: bool = False
    show_plan: bool = False
    explain: str | None = None
    list_rules: bool = False
    config: str | None = None
    color: str = "auto"
    no_cache: bool = False


class Kind(Enum):
    """What an option takes."""

    FLAG = auto()
    TEXT = auto()
    FILE = auto()  # that exists
    OUTPUT = auto()  # a file that may have to be made
    WORDS = auto()  # separated by commas, given any number of times


class OptionRow(NamedTuple):
    """One option; `name` is its field in `Options`."""

    flag: str
    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    metavar: str | None = None

    @property
    def default(self) -> object:
        """What the field holds where the option is not given."""
        return Options._field_defaults[self.name]


OPTIONS: Final = (
    OptionRow("--graph", "graph", Kind.FILE, "The graph snapshot that the settings are for."),
    OptionRow("--report", "report", Kind.FILE, "The last clika_report.json."),
    OptionRow(
        "--reference-report", "reference_report", Kind.FILE, "An older report to compare sensitivities with."
    ),
    OptionRow("--select", "select", Kind.WORDS, "Run only these rules: codes, beginnings, names."),
    OptionRow("--extend-select", "extend_select", Kind.WORDS, "Run these rules too."),
    OptionRow("--ignore", "ignore", Kind.WORDS, "Do not run these rules."),
    OptionRow("--fix", "fix", Kind.FLAG, "Apply safe fixes."),
    OptionRow(
        "--unsafe-fixes", "unsafe_fixes", Kind.FLAG, "With --fix or --diff: also fixes that change decisions."
    ),
    OptionRow("--diff", "diff", Kind.FLAG, "Show what --fix would change, and change nothing."),
    OptionRow("--format", "form", Kind.TEXT, "Output form; see --list-formats."),
    OptionRow("--list-formats", "list_formats", Kind.FLAG, "Show the output forms."),
    OptionRow("--output-file", "output_file", Kind.OUTPUT, "Write the findings there."),
    OptionRow("--fail-on", "fail_on", Kind.TEXT, "Default: warning.", ("error", "warning", "info", "never")),
    OptionRow("--baseline", "baseline", Kind.OUTPUT, "Known findings: only others are reported."),
    OptionRow("--write-baseline", "write_baseline", Kind.FLAG, "Write what is found now to the baseline."),
    OptionRow(
        "--statistics", "statistics", Kind.FLAG, "Count the findings of each rule instead of showing them."
    ),
    OptionRow(
        "--show-plan", "show_plan", Kind.FLAG, "Show the decisions that the rules look at, and lint nothing."
    ),
    OptionRow("--explain", "explain", Kind.TEXT, "Explain a rule.", metavar="CODE"),
    OptionRow("--list-rules", "list_rules", Kind.FLAG, "Show all rules."),
    OptionRow("--config", "config", Kind.FILE, "A pyproject.toml; default: the nearest."),
    OptionRow("--color", "color", Kind.TEXT, "When to colour text.", ("auto", "always", "never")),
    OptionRow("--no-cache", "no_cache", Kind.FLAG, "Do not use results of earlier runs."),
)


def words_of(given: str) -> list[str]:
    """The words of one value of a `WORDS` option."""
    return [word.strip() for word in given.split(",") if word.strip()]

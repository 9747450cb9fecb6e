"""CLK001."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.problems import ProblemKind
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import finding_of


class InvalidSyntax(Rule):
    """A file cannot be read.

    ## What it does
    Reports settings that are not YAML, JSON or TOML, or not text; that are too large, nest too deeply, or whose
    aliases stand for too much; that hold several documents or tags; and a graph or report file that cannot be read.

    ## Why is this bad?
    Nothing in such a file takes effect, and no other rule can look at it.

    ## Example
    ```yaml
    global_quantization_settings: {skip_tail_quantization: true
    ```

    ## Use instead
    ```yaml
    global_quantization_settings: {skip_tail_quantization: true}
    ```
    """

    code = "CLK001"
    name = "invalid-syntax"
    severity = Severity.ERROR
    needs = (Need.DOCUMENT,)

    VALID = (
        Valid(settings=""),
        Valid(settings="# only a comment\n"),
        Valid(settings="training_settings: {num_epochs: 3}\n"),
        Valid(settings='{"training_settings": {"num_epochs": 3}}', syntax="json"),
        Valid(settings="[training_settings]\nnum_epochs = 3\n", syntax="toml"),
        Valid(settings="training_settings:\r\n  num_epochs: 3\r\n"),
        Valid(
            settings="training_settings: {num_epoch: 3}\n", about="read well; what it says is another rule's"
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n«\t»num_epochs: 3\n",
            messages=("the file is not YAML: found character that cannot start any token",),
        ),
        Invalid(
            settings='{"training_settings": {"num_epochs": «}»}',
            syntax="json",
            messages=("the file is not JSON: found '}', expected a value",),
        ),
        Invalid(
            settings="training_settings: «!!python/object:os.system {»}\n",
            messages=("the file contains the YAML tag !!python/object:os.system",),
        ),
        Invalid(settings="a: &a [1]\nb: «*c»\n", messages=("the alias *c has no anchor",)),
        Invalid(
            settings="[training_settings]\nnum_epochs = three\n",
            syntax="toml",
            messages=("the file is not TOML: Invalid value",),
        ),
        Invalid(
            settings="a: " + "[" * 31 + "«[»" + "]" * 32,
            messages=("the file nests deeper than 32 levels",),
        ),
        Invalid(settings="a: {}\n«---»\nb: {}\n", messages=("the file holds several documents",)),
        Invalid(
            settings="a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n"
            "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
            "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
            "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
            "f: [«*e», *e]\n",
            messages=("the file holds more than 200000 values, aliases written out",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Pass on what reading the files found."""
        for problem in context.problems:
            if problem.kind is ProblemKind.INVALID_SYNTAX:
                yield finding_of(problem)
        for error in context.input_errors:
            parts = (
                error.message,
                error.found and f"found {error.found}",
                error.expected and f"expected {error.expected}",
            )
            yield Finding(", ".join(filter(None, parts)), help=error.fix, location=error.location)

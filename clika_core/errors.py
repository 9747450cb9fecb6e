"""The exceptions a user can meet, and the place in a file they point at.

Lives at the bottom: everything may import it, it imports nothing of the project.

    ClikaError                     a user's mistake or a limit, said in one message; exit code 2
    ├── GraphError                 a graph is malformed, or a graph file cannot be read
    ├── SettingsError              a settings file or a rule says something impossible
    ├── TargetError                an unknown target, or one asked for something it does not have
    ├── NumericsError              quantization parameters that break an invariant
    ├── DataError                  calibration or evaluation data that cannot be used
    ├── TraceError                 a model that cannot be traced
    ├── StateError                 a saved state of training that cannot be read, or does not fit
    ├── ModelError                 a MODEL argument that leads to no model
    ├── MissingDependencyError     something to install, with the install line
    ├── PluginError                a plugin that cannot be registered
    └── OutputError                a file that cannot be written, a tool that cannot draw
"""

from __future__ import annotations

from clika_core.frozen import frozen


@frozen
class Location:
    """A place in a text file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        """`file:line`, as editors and terminals understand it."""
        return f"{self.file}:{self.line}"

    def to_json(self) -> dict[str, str | int]:
        """The form used by every JSON output."""
        return {"file": self.file, "line": self.line, "column": self.column}


class ClikaError(Exception):
    """A mistake the user can mend: what was found, what was expected, how to fix it.

    `str(error)` is the whole message, one fact per line, ready to be printed after "error: ".
    """

    def __init__(
        self,
        message: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
        location: Location | None = None,
    ) -> None:
        """Keep the parts, so that a caller can add a location or show them in its own form."""
        self.message = message
        self.found = found
        self.expected = expected
        self.fix = fix
        self.location = location
        super().__init__(message)

    def __str__(self) -> str:
        """The message with its parts, each on a line of its own."""
        head = f"{self.location}: {self.message}" if self.location else self.message
        parts = (("found", self.found), ("expected", self.expected), ("fix", self.fix))
        return "\n".join([head, *(f"  {name}: {text}" for name, text in parts if text)])


class GraphError(ClikaError):
    """A graph is malformed, or a graph file cannot be read."""


class SettingsError(ClikaError):
    """A settings file or a rule says something impossible."""


class TargetError(ClikaError):
    """An unknown deployment target, or one asked for something it does not have."""


class NumericsError(ClikaError):
    """Quantization parameters or arrays break an invariant of `clika_core.numerics`."""


class DataError(ClikaError):
    """Calibration or evaluation data that cannot be used."""


class TraceError(ClikaError):
    """A model that cannot be traced."""


class StateError(ClikaError):
    """A saved state of training that cannot be read, or does not fit."""


class ModelError(ClikaError):
    """A MODEL argument that leads to no model."""


class MissingDependencyError(ClikaError):
    """Something has to be installed first; `fix` holds the install line."""


class PluginError(ClikaError):
    """A plugin that cannot be registered."""


class OutputError(ClikaError):
    """A file that cannot be written, or a tool that is missing to write it."""


MAX_COMPARED = 2_000  # candidates of one word: each takes some ten microseconds


def nearest(word: str, candidates: list[str], limit: int = 3) -> list[str]:
    """The candidates closest to `word` by edit distance, best first, at most `limit`, none far away.

    Of more than `MAX_COMPARED` candidates only those that begin or end like the word are looked at.
    """
    import difflib  # imported here: only a mistake pays for it

    if len(candidates) > MAX_COMPARED:
        start, end = word[:3], word[-3:]
        candidates = [c for c in candidates if c.startswith(start) or c.endswith(end)]
        candidates = sorted(candidates, key=lambda c: abs(len(c) - len(word)))[:MAX_COMPARED]
    exact_fold = [c for c in candidates if c.casefold() == word.casefold()]
    close = difflib.get_close_matches(word, candidates, n=limit, cutoff=0.6)
    return list(dict.fromkeys([*exact_fold, *close]))[:limit]

"""Which settings files are linted, and which graph and reports belong to each.

`--graph`, `--report`, `--reference-report`, else the `models` of the configuration, else a comment in the first
lines: `# clika: graph=model.graph.json report=outputs/clika_report.json`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from typing import Final, NamedTuple

from clika_core.errors import SettingsError
from clika_linter.configuration import Configuration, ModelTable
from clika_linter.selection import matches_file

COMMENT_WORDS: Final = ("graph", "report", "reference-report")
SUFFIXES: Final = (".yaml", ".yml", ".json", ".toml")
_SECTIONS = re.compile(
    rb"(?:deployment|distributed_training|global_quantization|training|layer)_settings|clika:[ \t]*graph="
)
_OTHER_FORMAT = re.compile(rb'"format"\s*:\s*"clika-')
_LOOKED_AT = 64 * 1024  # bytes of a file in a folder, to see whether it holds settings
_FIRST_LINES = 10
_FIRST_COMMENT = re.compile(r"#[ \t]*clika:(?P<pairs>[^\r\n]*=[^\r\n]*)")
_PAIR = re.compile(r"(?P<key>[a-z-]+)=(?:\"(?P<quoted>[^\"]*)\"|(?P<plain>\S+))")
_MAX_FOLDERS = 10_000


class Pairing(NamedTuple):
    """A graph file and report files, as they can be opened from here.

    `unknown` are words with their lines, where the comment that names the files has words of no meaning.
    """

    graph: str | None = None
    report: str | None = None
    reference: str | None = None
    unknown: tuple[tuple[str, int], ...] = ()

    @classmethod
    def below(cls, folder: str, names: Sequence[str | None]) -> Pairing:
        """The graph, report and reference report of these names, which are relative to `folder`."""
        graph, report, reference = (shown(os.path.join(folder, name)) if name else None for name in names)
        return cls(graph, report, reference)

    @property
    def files(self) -> tuple[str | None, ...]:
        """Graph, report, reference."""
        return self.graph, self.report, self.reference


def find_files(paths: Iterable[str], configuration: Configuration) -> list[str]:
    """The settings files that `paths` name, each once; where there are none, those of the configuration.

    A folder stands for the settings files in it and below; a configuration without any stands for its folder.
    Raises SettingsError for a path that does not exist, and where there is nothing to lint.
    """
    named = list(paths)
    found = [file for path in named for file in _expand(path)]
    if not named:
        patterns = [*configuration.paths, *(p for model in configuration.models for p in model.settings)]
        found = [file for pattern in patterns or ["."] for file in _matching(configuration.folder, pattern)]
    if not found:
        raise SettingsError(
            "there is no settings file to lint",
            found=f"nothing that looks like settings in {', '.join(named) or 'what the configuration lists'}",
            fix="name files or folders, or list them as paths of [tool.clika.lint] in pyproject.toml",
        )
    return sorted(dict.fromkeys(found))


def pairings_of(file: str, text: str, given: Pairing, configuration: Configuration) -> tuple[Pairing, ...]:
    """What belongs to a settings file; several pairings where it serves several models. Never empty."""
    if given.graph:
        return (given,)
    models = [model for model in configuration.models if _belongs(file, model, configuration.folder)]
    if models:
        found = tuple(dict.fromkeys(_pairing(model, configuration.folder) for model in models))
    else:
        found = (_from_comment(file, text),)
    return tuple(
        p._replace(report=given.report or p.report, reference=given.reference or p.reference) for p in found
    )


def _expand(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        yield from (shown(file) for file in sorted(_settings_files(path)))
    elif os.path.exists(path):
        yield shown(path)
    else:
        raise SettingsError(f"there is no file or folder {path!r}")


def _matching(folder: str, pattern: str) -> list[str]:
    """The files a pattern of the configuration names; it may match none, but a plain name must exist."""
    files = [os.path.join(folder, name) for name in glob(pattern, root_dir=folder or None, recursive=True)]
    if not files and not any(sign in pattern for sign in "*?["):
        raise SettingsError(
            f"the configuration lists {pattern!r}, which does not exist", found=folder or os.curdir
        )
    return [name for file in files for name in _expand(file)]


def _settings_files(folder: str) -> Iterator[str]:
    """Files below `folder` that look like settings; hidden folders, links to folders and pipes are passed over."""
    waiting = [folder]
    for _ in range(_MAX_FOLDERS):
        if not waiting:
            return
        try:
            inside = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in inside:
            if entry.is_dir():
                if not entry.is_symlink() and not entry.name.startswith("."):
                    waiting.append(entry.path)
            elif (
                entry.is_file() and entry.name.lower().endswith(SUFFIXES) and _looks_like_settings(entry.path)
            ):
                yield entry.path


def _looks_like_settings(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            start = stream.read(_LOOKED_AT)
    except OSError:
        return False
    is_other = _OTHER_FORMAT.search(start) or os.path.basename(path) == "pyproject.toml"
    return bool(_SECTIONS.search(start)) and not is_other


def _belongs(file: str, model: ModelTable, folder: str) -> bool:
    name = _below(file, folder) or os.path.abspath(file).replace(os.sep, "/")
    return any(matches_file(pattern.removeprefix("./"), name) for pattern in model.settings)


def _pairing(model: ModelTable, folder: str) -> Pairing:
    return Pairing.below(folder, (model.graph, model.report, model.reference_report))


def _from_comment(file: str, text: str) -> Pairing:
    """What the first lines say; names in a comment are relative to the file's own folder."""
    for number, line in enumerate(text[:4096].splitlines()[:_FIRST_LINES], start=1):
        comment = _FIRST_COMMENT.search(line) if line.lstrip().startswith("#") else None
        if comment:
            found = _PAIR.finditer(comment["pairs"])
            pairs = {pair["key"]: pair["quoted"] or pair["plain"] for pair in found}
            files = Pairing.below(os.path.dirname(file), [pairs.pop(word, None) for word in COMMENT_WORDS])
            return files._replace(unknown=tuple((word, number) for word in pairs))
    return Pairing()


def shown(path: str) -> str:
    """A path as messages name it: relative to the current folder where it lies in it, with slashes."""
    return _below(path, "") or path


def _below(path: str, folder: str) -> str | None:
    """The path relative to a folder in which it lies, with slashes; None where it lies elsewhere."""
    absolute, root = os.path.abspath(path), os.path.join(os.path.abspath(folder), "")
    return absolute[len(root) :].replace(os.sep, "/") if absolute.startswith(root) else None

"""Which settings files are linted, and which graph and reports belong to each.

`--graph`, `--report`, `--reference-report`, else the `models` of the configuration, else a comment in the first
lines: `# clika: graph=model.graph.json report=outputs/clika_report.json`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from pathlib import Path
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
    def below(cls, folder: Path, names: Sequence[str | None]) -> Pairing:
        """The graph, report and reference report of these names, which are relative to `folder`."""
        graph, report, reference = (shown(folder / name) if name else None for name in names)
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
    place = Path(path)
    if place.is_dir():
        yield from (shown(file) for file in sorted(_settings_files(place)))
    elif place.exists():
        yield shown(place)
    else:
        raise SettingsError(f"there is no file or folder {path!r}")


def _matching(folder: Path, pattern: str) -> list[str]:
    """The files a pattern of the configuration names; it may match none, but a plain name must exist."""
    files = [folder / name for name in glob(pattern, root_dir=folder, recursive=True)]
    if not files and not any(sign in pattern for sign in "*?["):
        raise SettingsError(f"the configuration lists {pattern!r}, which does not exist", found=str(folder))
    return [name for file in files for name in _expand(str(file))]


def _settings_files(folder: Path) -> Iterator[Path]:
    """Files below `folder` that look like settings; hidden folders and links to folders are passed over."""
    waiting = [folder]
    for _ in range(_MAX_FOLDERS):
        if not waiting:
            return
        try:
            inside = list(waiting.pop().iterdir())
        except OSError:
            continue
        for path in inside:
            if path.is_dir():
                if not path.is_symlink() and not path.name.startswith("."):
                    waiting.append(path)
            elif path.suffix.lower() in SUFFIXES and _looks_like_settings(path):
                yield path


def _looks_like_settings(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(_LOOKED_AT)
    except OSError:
        return False
    return bool(_SECTIONS.search(start)) and not _OTHER_FORMAT.search(start) and path.name != "pyproject.toml"


def _belongs(file: str, model: ModelTable, folder: Path) -> bool:
    absolute = Path(os.path.abspath(file))
    root = Path(os.path.abspath(folder))
    name = absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else absolute.as_posix()
    return any(matches_file(pattern.removeprefix("./"), name) for pattern in model.settings)


def _pairing(model: ModelTable, folder: Path) -> Pairing:
    return Pairing.below(folder, (model.graph, model.report, model.reference_report))


def _from_comment(file: str, text: str) -> Pairing:
    """What the first lines say; names in a comment are relative to the file's own folder."""
    for number, line in enumerate(text[:4096].splitlines()[:_FIRST_LINES], start=1):
        comment = _FIRST_COMMENT.search(line) if line.lstrip().startswith("#") else None
        if comment:
            found = _PAIR.finditer(comment["pairs"])
            pairs = {pair["key"]: pair["quoted"] or pair["plain"] for pair in found}
            files = Pairing.below(Path(file).parent, [pairs.pop(word, None) for word in COMMENT_WORDS])
            return files._replace(unknown=tuple((word, number) for word in pairs))
    return Pairing()


def shown(path: Path) -> str:
    """A path as messages name it: relative to the current folder where it lies in it, with slashes."""
    here = Path.cwd()
    absolute = Path(os.path.abspath(path))
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else str(path)

"""The four files of an output folder: both pictures, each as DOT text and as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from clika_core.errors import ClikaError, MissingDependencyError, OutputError
from clika_core.files import write_whole
from clika_core.ir.graph import Graph
from clika_core.pictures.draw import initial_picture
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.pictures.svg import TIMEOUT_SECONDS, render_svg

if TYPE_CHECKING:
    from clika_core.planning.plan import Plan

INITIAL: Final = "model_init"
PREPROCESSED: Final = "model_post_preprocessing"


class Written(NamedTuple):
    """The files written, the SVG texts by the name of the picture, and one line where one could not be drawn."""

    paths: list[Path]
    note: str | None
    svgs: Mapping[str, str] = MappingProxyType({})


def write_pictures(
    folder: str | Path, graph: Graph, plan: Plan, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Written:
    """Write `model_init.{dot,svg}` and `model_post_preprocessing.{dot,svg}` into `folder`.

    An SVG that cannot be drawn is no error: the DOT files are written, an older SVG beside them is taken
    away, and `note` says why. Raises OutputError where a file cannot be written.
    """
    texts = {
        INITIAL: initial_picture(graph).render(),
        PREPROCESSED: preprocessed_picture(plan).render(),
    }
    place = Path(folder)
    paths = [replace_file(place / f"{stem}.dot", text) for stem, text in texts.items()]
    return _write_svgs(place, texts, paths, timeout_seconds)


def replace_file(path: Path, text: str) -> Path:
    """Write beside `path` and rename, so that a reader never sees half a file; gives `path` back.

    Raises OutputError where the place cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _write_svgs(folder: Path, texts: Mapping[str, str], paths: list[Path], timeout_seconds: float) -> Written:
    notes: list[str] = []
    svgs: dict[str, str] = {}
    for stem, text in texts.items():
        path = folder / f"{stem}.svg"
        try:
            svg = render_svg(text, timeout_seconds=timeout_seconds)
        except (MissingDependencyError, OutputError) as error:
            path.unlink(missing_ok=True)
            notes.append(_one_line(error, stem))
        else:
            paths.append(replace_file(path, svg))
            svgs[stem] = svg
    return Written(paths, "; ".join(dict.fromkeys(notes)) or None, svgs)


def _one_line(error: ClikaError, stem: str) -> str:
    fix = f" ({error.fix})" if error.fix else ""
    subject = "pictures are DOT only" if isinstance(error, MissingDependencyError) else f"{stem} is DOT only"
    return f"{subject}: {error.message}{fix}"

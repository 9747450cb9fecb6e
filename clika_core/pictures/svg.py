"""DOT text to SVG or PNG with a graphviz program, bounded in size and time.

`graphviz-pure`, which the extra `pictures` installs, writes the same bytes on every machine; a `dot` that is
installed serves as well.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from typing import Final

from clika_core.errors import MissingDependencyError, OutputError

PROGRAMS: Final = ("graphviz-pure", "dot")
"""In the order in which they are tried."""
MOST_CHARACTERS: Final = 8_000_000
"""Of DOT text: some 8,000 boxes. No browser shows more."""
TIMEOUT_SECONDS: Final = 60.0

_MARKS: Final = {"svg": b"</svg>", "png": b"IEND"}  # what a complete picture ends with
_DOCTYPE: Final = re.compile(r"<!DOCTYPE[^>]*>\s*")
_COMMENT: Final = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_FACE: Final = re.compile(r' font-family="[^"]*"')
_FACES: Final = "Helvetica, Arial, 'Liberation Sans', Arimo, 'Nimbus Sans', sans-serif"
"""Faces of the widths that the layout was made for, whatever the reader's machine calls them."""


def find_program() -> str | None:
    """The path of the first of `PROGRAMS` beside this Python or on the PATH, or None."""
    beside = sysconfig.get_path("scripts")
    found = (shutil.which(name, path=beside) or shutil.which(name) for name in PROGRAMS)
    return next((path for path in found if path), None)


def render_svg(dot_text: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """The picture as an SVG document whose text can be selected and searched.

    Raises MissingDependencyError where no graphviz is installed, OutputError where the picture is too large,
    takes too long, or graphviz refuses it.
    """
    return _tidied(_drawn(dot_text, "svg", timeout_seconds).decode())


def render_png(dot_text: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """The picture as a PNG file's bytes. Raises what `render_svg` raises."""
    return _drawn(dot_text, "png", timeout_seconds)


def _drawn(dot_text: str, form: str, timeout_seconds: float) -> bytes:
    if len(dot_text) > MOST_CHARACTERS:
        raise OutputError(
            "the graph is too large to draw",
            found=f"{len(dot_text):,} characters of DOT text",
            expected=f"at most {MOST_CHARACTERS:,}",
            fix="write a .dot file instead",
        )
    program = find_program()
    if program is None:
        raise MissingDependencyError(
            f"no graphviz found to draw an {form.upper()} with",
            expected=f"one of the programs {', '.join(PROGRAMS)}",
            fix='pip install "clika-core[pictures]", or write a .dot file instead',
        )
    return _run(program, dot_text, form, timeout_seconds)


def _run(program: str, dot_text: str, form: str, timeout_seconds: float) -> bytes:
    try:
        done = subprocess.run(
            [program, f"-T{form}"],
            input=dot_text.encode(),
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OutputError(
            f"graphviz did not finish the picture within {timeout_seconds:g} seconds",
            fix="write a .dot file instead",
        ) from None
    except OSError as error:
        raise OutputError(f"graphviz could not be started: {error}", found=program) from error
    if done.returncode != 0 or _MARKS[form] not in done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OutputError(
            f"graphviz ended with status {done.returncode}",
            found=said[-1] if said else "no message",
            fix="write a .dot file instead",
        )
    return done.stdout


def _tidied(svg: str) -> str:
    """Without document type and comments, which name a program's version; one list of typefaces for all.

    Graphviz escapes quotes and angle brackets in texts, so that none of these patterns can match one.
    """
    bare = _FACE.sub("", _COMMENT.sub("", _DOCTYPE.sub("", svg, count=1)))
    return bare.replace("<svg ", f'<svg font-family="{_FACES}" ', 1)

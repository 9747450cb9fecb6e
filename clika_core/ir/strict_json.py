"""JSON text to Python, strictly: nothing that another reader could understand differently.

No duplicate keys, no NaN or Infinity, no lone surrogates, bounded size and nesting. Problems raise GraphError
with the place in the text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from clika_core.errors import GraphError, Location

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 256 * 2**20


def read_json_file(path: str | Path, *, fix: str) -> Any:
    """The document in a file of at most `MAX_BYTES`; `fix` says what to do about a file that is none."""
    return parse_json(read_text_file(path, fix=fix), str(path), fix=fix)


def read_text_file(path: str | Path, *, fix: str) -> str:
    """The text of a file of at most `MAX_BYTES`."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            fix = "check the path"
        raise GraphError(f"cannot read {path}", found=error.strerror or str(error), fix=fix) from error
    if len(content) > MAX_BYTES:
        raise GraphError(f"{path} is too large", expected=f"at most {MAX_BYTES // 2**20} MiB", fix=fix)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GraphError(f"{path} is no UTF-8 text", found=f"byte {error.start}", fix=fix) from error


def parse_json(text: str, name: str, *, fix: str) -> Any:
    """The document in `text`, which the messages call `name`."""
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        where = Location(name, error.lineno, error.colno)
        raise GraphError("this is no JSON", found=error.msg, fix=fix, location=where) from error
    except RecursionError as error:
        raise GraphError(f"{name} is nested too deeply", fix=fix) from error
    except UnicodeEncodeError as error:
        raise GraphError(
            f"{name} holds text that is no Unicode", found=ascii(error.object), fix=fix
        ) from error
    except ValueError as error:
        raise GraphError(f"{name} is no valid document: {error}", fix=fix) from error
    return document


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f'{text} is no JSON number; non-finite numbers are written {{"float": "inf"}}')

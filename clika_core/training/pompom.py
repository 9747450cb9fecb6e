"""`.pompom`: a saved state in one file. The format is safetensors; its metadata holds one JSON document.

    {"format": "clika-pompom", "version": 1, "aliases": {name: name of the equal array}, "content": {...}}

No pickle. Written beside and renamed, so that a reader sees the old file or the new one, whole. Reading is
strict: sizes are limited and checked, names and versions too, and nothing in a file is ever run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from clika_core.errors import GraphError, OutputError, StateError
from clika_core.files import write_whole
from clika_core.ir.strict_json import parse_json

FORMAT: Final = "clika-pompom"
VERSION: Final = 1
FILE_NAME: Final = "model.pompom"
_KEY: Final = "clika"
_FIX: Final = "name a file that clika_compress or clika_resume of this version wrote"


@dataclass(frozen=True)
class Pompom:
    """`content` is plain JSON, finite numbers only; `arrays` are by name."""

    content: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def group(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays whose names begin with `prefix` and a slash, by what follows it."""
        start = f"{prefix}/"
        return {n.removeprefix(start): a for n, a in self.arrays.items() if n.startswith(start)}


def grouped(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Names with a prefix and a slash: the inverse of `Pompom.group`."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def write_pompom(path: Path, pompom: Pompom) -> None:
    """Write the file, whole or not at all. Raises OutputError where that fails; the old file then stands."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, to_bytes(pompom), mode=0o644, is_durable=True)
    except OSError as error:
        raise OutputError(
            f"cannot save the state to {path}",
            found=error.strerror or str(error),
            fix="free space or choose another folder; the states of earlier epochs are whole",
        ) from error


def to_bytes(pompom: Pompom) -> bytes:
    """The file's content. Arrays that are equal are kept once."""
    kept: dict[str, NDArray[Any]] = {}
    aliases: dict[str, str] = {}
    seen: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    for name in sorted(pompom.arrays):
        array = np.asarray(pompom.arrays[name])
        array = np.ascontiguousarray(array).reshape(array.shape)
        key = (array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key in seen and array.size:
            aliases[name] = seen[key]
        else:
            seen[key] = name
            kept[name] = array
    document = {"format": FORMAT, "version": VERSION, "aliases": aliases, "content": pompom.content}
    return save(kept, {_KEY: json.dumps(document, allow_nan=False, ensure_ascii=False)})


def read_pompom(path: str | Path) -> Pompom:
    """The state in a file. Raises StateError for a file that is missing, damaged, or something else."""
    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:
            document = _document(file.metadata() or {}, path)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise StateError(f"{path} cannot be read", found=_found(path, error), fix=_FIX) from error
    for name, other in document["aliases"].items():
        if other not in arrays:
            raise StateError(f"{path} is damaged", found=f"array {name!r} refers to {other!r}", fix=_FIX)
        arrays[name] = arrays[other]
    return Pompom(document["content"], arrays)


def _found(path: Path, error: Exception) -> str:
    """What a file is that holds no arrays by name."""
    if path.is_file() and is_zipfile(path):
        return "a zip archive: what Keras (.keras) and PyTorch save of a model, not the state of a training"
    return str(error) or type(error).__name__


def _document(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    text = metadata.get(_KEY)
    if text is None:
        raise StateError(f"{path} is no saved state", found="safetensors without its metadata", fix=_FIX)
    try:
        document = parse_json(text, str(path), fix=_FIX)
    except GraphError as error:
        raise StateError(f"{path} is damaged", found=str(error), fix=_FIX) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise StateError(f"{path} is no saved state", found="another format", fix=_FIX)
    if document.get("version") != VERSION:
        raise StateError(
            f"{path} has a version that cannot be read here",
            found=repr(document.get("version"))[:40],
            expected=str(VERSION),
            fix="use the version of clika-core that wrote it",
        )
    aliases, content = document.get("aliases"), document.get("content")
    if not isinstance(content, dict) or not isinstance(aliases, dict):
        raise StateError(f"{path} is damaged", found="its parts are missing", fix=_FIX)
    if not all(isinstance(other, str) for other in aliases.values()):
        raise StateError(f"{path} is damaged", found="aliases that are no names", fix=_FIX)
    return document

"""`.npz` data: `inputs`, or `inputs.<argument>` for each argument, and `targets`. Data, never code: no pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import DataError, nearest

Inputs = NDArray[Any] | dict[str, NDArray[Any]]

_PREFIX = "inputs."
_FORM = "`inputs`, or `inputs.<argument>` for each argument of the model, and optionally `targets`"
_FIX = "write it with numpy.savez(path, inputs=..., targets=...)"


def read_npz(path: Path) -> tuple[Inputs, NDArray[Any] | None]:
    """The inputs, one array or arrays by argument, and the targets or None; nothing is changed in them.

    Raises DataError where the file cannot be read, holds objects, or has other names.
    """
    arrays = _read(path)
    named = {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name.startswith(_PREFIX)}
    strange = [name for name in arrays if name not in ("inputs", "targets") and not name.startswith(_PREFIX)]
    if strange:
        close = nearest(strange[0], ["inputs", "targets"])
        raise DataError(
            f"{path} holds an array of unknown meaning",
            found=", ".join(map(repr, strange)),
            expected=_FORM,
            fix=f"did you mean {close[0]!r}?" if close else f"name it {_PREFIX}{strange[0]}, or leave it out",
        )
    if ("inputs" in arrays) == bool(named):
        raise DataError(
            f"{path} holds " + ("both `inputs` and inputs by argument" if named else "no inputs"),
            found=", ".join(map(repr, arrays)) or "no array",
            expected=_FORM,
            fix=_FIX,
        )
    return named or arrays["inputs"], arrays.get("targets")


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as stream:
            content = np.load(stream, allow_pickle=False)
            if isinstance(content, np.ndarray):
                raise DataError(f"{path} is a single array", expected=f"an .npz file with {_FORM}", fix=_FIX)
            return {name: _array(content, name, path) for name in content.files}
    except OSError as error:
        raise DataError(
            f"the data {str(path)!r} cannot be read", found=error.strerror or str(error), fix=_FIX
        ) from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no .npz file", found=str(error).splitlines()[0], fix=_FIX) from None


def _array(content: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        array = np.asarray(content[name])
    except (ValueError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        is_object = "Object arrays" in str(error)
        raise DataError(
            f"array {name!r} of {path} cannot be read",
            found="Python objects, which only code could read" if is_object else str(error),
            expected="numbers",
            fix="give all samples one shape and a numeric dtype" if is_object else "write the file again",
        ) from None
    if array.ndim == 0:
        raise DataError(
            f"array {name!r} of {path} has no axes", expected="an array whose first axis is the sample"
        )
    return array

"""The option `--input x=f32[2,3,224,224]`: example inputs by dtype and shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

_FORM = re.compile(r"(?:(?P<name>[A-Za-z_][\w.]*)=)?(?P<dtype>[a-z]+\d*)\[(?P<shape>[\d,\s]*)\]")
_DTYPES = {
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "i32": "int32",
    "i64": "int64",
    "bool": "bool",
}


def example_inputs(options: Sequence[str]) -> Any:
    """Random example inputs (seed 0): a dict where the options have names, else a tuple; None without options."""
    if not options:
        return None
    import numpy as np

    generator = np.random.default_rng(0)
    found: list[tuple[str | None, Any]] = []
    for option in options:
        match = _FORM.fullmatch(option.strip())
        if match is None or match["dtype"] not in _DTYPES:
            raise click.BadParameter(
                f"{option!r}; expected for example x=f32[2,3,224,224] with {', '.join(_DTYPES)}",
                param_hint="--input",
            )
        shape = tuple(int(size) for size in match["shape"].split(",") if size.strip())
        dtype = np.dtype(_DTYPES[match["dtype"]])
        array = generator.standard_normal(shape) if dtype.kind == "f" else np.zeros(shape)
        found.append((match["name"], array.astype(dtype)))
    names = [name for name, _ in found]
    if all(names):
        return dict(found)
    if any(names):
        raise click.BadParameter("name all inputs or none", param_hint="--input")
    return tuple(array for _, array in found)

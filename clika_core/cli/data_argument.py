"""The options `--data`, `--eval-data` and `--metric`: an `.npz` file, or `module:callable`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from clika_core.cli.attribute_argument import load_attribute, required_arguments
from clika_core.errors import DataError

if TYPE_CHECKING:
    from clika_core.pipeline.dataset import Dataset

_FORMS = "an .npz file, or package.module:callable or file.py:callable"


def load_data(argument: str, option: str, batch_size: int) -> Dataset:
    """The dataset that `argument` names. Raises DataError saying what is wrong with it."""
    from clika_core.pipeline.dataset import Dataset
    from clika_core.pipeline.user_code import iterate_as_theirs, told_as_theirs

    path = Path(argument)
    if path.suffix == ".npz" or path.is_file():
        return Dataset.of_npz(_present(path, option), batch_size=batch_size)
    if ":" not in argument:
        raise DataError(
            f"{option} {argument!r} names no data",
            found="no such file" if not path.exists() else "a folder",
            expected=_FORMS,
            fix=f"for example: {option} data.npz, or {option} my_data.py:batches",
        )
    function = load_attribute(argument, "dataset function", f"{option} my_data.py:batches", DataError)
    _refuse_arguments(function, argument)
    with told_as_theirs(argument):
        found = function() if callable(function) else function
    data = Dataset.of_batches(found, batch_size=batch_size, name=argument)
    return Dataset(data.name, lambda: iterate_as_theirs(data.read(), argument), data.length)


def load_metric(argument: str | None) -> Any:
    """`top1` as it is, `module:callable` as what it names, None as None. Raises DataError."""
    if argument in (None, "top1"):
        return argument
    if ":" not in str(argument):
        raise DataError(
            f"--metric {argument!r} is unknown",
            expected="top1, or package.module:callable or file.py:callable",
            fix="for example: --metric my_metrics.py:mean_iou, a function of (outputs, targets)",
        )
    return load_attribute(str(argument), "metric", "--metric my_metrics.py:mean_iou", DataError)


def _present(path: Path, option: str) -> Path:
    from clika_core.errors import nearest

    if path.is_file():
        return path
    beside = [found.name for found in path.parent.glob("*.npz")] if path.parent.is_dir() else []
    close = nearest(path.name, beside)
    raise DataError(
        f"{option}: there is no file {str(path)!r}",
        expected=_FORMS,
        fix=f"did you mean {str(path.with_name(close[0]))!r}?" if close else "check the path",
    )


def _refuse_arguments(function: Any, argument: str) -> None:
    required = required_arguments(function) if callable(function) else []
    if required:
        raise DataError(
            f"{argument} cannot be called without arguments",
            found=f"it requires {', '.join(required)}",
            expected="a function that takes no argument and returns an iterable of (inputs, targets)",
            fix="write a small function that returns the data",
        )

"""`.npz` data is read as it is; whatever else is in the file is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clika_core.errors import DataError
from clika_core.pipeline.npz import read_npz

X = np.arange(12, dtype=np.float32).reshape(6, 2)


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def test_one_input_comes_back_unchanged(tmp_path: Path) -> None:
    inputs, targets = read_npz(saved(tmp_path, inputs=X, targets=np.arange(6)))
    np.testing.assert_array_equal(inputs, X)
    assert inputs.dtype == np.float32  # type: ignore[union-attr]
    np.testing.assert_array_equal(targets, np.arange(6))


def test_inputs_by_argument_make_a_dict_and_targets_may_be_missing(tmp_path: Path) -> None:
    inputs, targets = read_npz(saved(tmp_path, **{"inputs.image": X, "inputs.mask": X > 3}))
    assert isinstance(inputs, dict)
    assert list(inputs) == ["image", "mask"]
    assert inputs["mask"].dtype == bool
    assert targets is None


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt name": ({"input": X}, "did you mean 'inputs'"),
    "an argument without prefix": ({"image": X}, "name it inputs.image"),
    "no inputs": ({"targets": X}, "holds no inputs"),
    "both forms": ({"inputs": X, "inputs.x": X}, "both `inputs` and inputs by argument"),
    "a scalar": ({"inputs": np.float32(3)}, "has no axes"),
    "objects": (
        {"inputs": np.array([[1], [2, 3]], dtype=object)},
        "Python objects, which only code could read",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_wrong_content_is_named_with_what_to_do(case: str, tmp_path: Path) -> None:
    arrays, said = MISTAKES[case]
    with pytest.raises(DataError) as caught:
        read_npz(saved(tmp_path, **arrays))
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_file_that_is_none_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no \.npz file|cannot be read"):
        read_npz(path)


def test_a_single_array_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", X)
    with pytest.raises(DataError, match="single array"):
        read_npz(tmp_path / "data.npy")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_npz(tmp_path / "none.npz")

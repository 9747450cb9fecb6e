"""Integer codes of 2 to 16 bits, and int32 for biases."""

from __future__ import annotations

from enum import StrEnum

from clika_core.errors import NumericsError
from clika_core.frozen import frozen, replace

MIN_BITS = 2
MAX_BITS = 16
BIAS_BITS = 32  # the accumulator's width: biases only


class CodeRange(StrEnum):
    """Which of the 2**num_bits codes are used."""

    FULL = "full"  # int8 -128..127, uint8 0..255: activations
    NARROW = "narrow"  # int8 -127..127: weights, so that the negative of a code is a code
    HALF = "half"  # int8 -64..64: weights, where full codes overflow int16 pairs (x86 without VNNI)


@frozen
class IntegerFormat:
    """Integer codes `quant_min..quant_max`, both included.

    | code_range | signed                              | unsigned             |
    |------------|-------------------------------------|----------------------|
    | full       | -2**(num_bits-1)..2**(num_bits-1)-1 | 0..2**num_bits-1     |
    | narrow     | ±(2**(num_bits-1)-1)                | refused              |
    | half       | ±2**(num_bits-2)                    | refused              |

    `num_bits` is 2..16, or 32 for biases. Anything else raises `NumericsError`.

    >>> IntegerFormat(8, is_signed=True, code_range=CodeRange.NARROW).quant_min
    -127
    """

    num_bits: int
    is_signed: bool
    code_range: CodeRange = CodeRange.FULL

    def __post_init__(self) -> None:
        """Refuse widths and ranges that no operation here computes."""
        if not (MIN_BITS <= self.num_bits <= MAX_BITS or self.num_bits == BIAS_BITS):
            raise NumericsError(
                "this integer width cannot be computed",
                found=f"num_bits {self.num_bits}",
                expected=f"{MIN_BITS} to {MAX_BITS}, or {BIAS_BITS} for biases",
                fix="set weights_num_bits and activations_num_bits to 8, 4 or 16",
            )
        if not self.is_signed and (self.code_range is not CodeRange.FULL or self.num_bits == BIAS_BITS):
            raise NumericsError(
                "an unsigned format has no narrow or half range, and no 32 bits",
                found=str(self),
                expected="a signed format, or the full range of up to 16 bits",
                fix="use is_signed=True for weights and biases",
            )

    @property
    def quant_min(self) -> int:
        """The lowest code."""
        if not self.is_signed:
            return 0
        return -self.quant_max - (self.code_range is CodeRange.FULL)

    @property
    def quant_max(self) -> int:
        """The highest code."""
        if not self.is_signed:
            return (1 << self.num_bits) - 1
        if self.code_range is CodeRange.HALF:
            return 1 << (self.num_bits - 2)
        return (1 << (self.num_bits - 1)) - 1

    @property
    def num_codes(self) -> int:
        """How many codes there are."""
        return self.quant_max - self.quant_min + 1

    @property
    def storage_dtype(self) -> str:
        """The NumPy name of the smallest dtype that holds every code: `int8`, `uint16`, `int32`, ..."""
        width = next(width for width in (8, 16, 32) if self.num_bits <= width)
        return f"{'int' if self.is_signed else 'uint'}{width}"

    def with_num_bits(self, num_bits: int) -> IntegerFormat:
        """The same kind of format with another width."""
        return replace(self, num_bits=num_bits)

    def __str__(self) -> str:
        """`int8`, `uint16`, `int4 narrow`: as messages and reports print it."""
        name = f"{'int' if self.is_signed else 'uint'}{self.num_bits}"
        return name if self.code_range is CodeRange.FULL else f"{name} {self.code_range}"

"""8-bit floating-point codes."""

from __future__ import annotations

from clika_core.errors import NumericsError
from clika_core.frozen import frozen


@frozen
class FloatFormat:
    """Sign, exponent and mantissa in eight bits, with subnormals (Micikevicius et al. 2022, section 3).

    A normal value is ±2**(e - bias) · (1 + m / 2**mantissa_bits), with bias = 2**(exponent_bits-1) - 1.
    Codes are the bit patterns, stored as uint8. Conversion saturates at `quant_max`: it never makes an
    infinity. The two formats that hardware has are `FP8_E4M3` and `FP8_E5M2` in `clika_core.schemes.named`.
    """

    exponent_bits: int
    mantissa_bits: int
    has_infinity: bool  # False: only the all-ones pattern is NaN, its neighbours are numbers (e4m3fn)

    def __post_init__(self) -> None:
        """Refuse what is not eight bits."""
        if self.exponent_bits + self.mantissa_bits != 7 or min(self.exponent_bits, self.mantissa_bits) < 2:
            raise NumericsError(
                "this floating-point format cannot be computed",
                found=f"{self.exponent_bits} exponent and {self.mantissa_bits} mantissa bits",
                expected="7 bits beside the sign, at least 2 of each",
                fix="use FP8_E4M3 or FP8_E5M2",
            )

    @property
    def num_bits(self) -> int:
        """The width of a code."""
        return 8

    @property
    def exponent_bias(self) -> int:
        """What is subtracted from the stored exponent."""
        return int((1 << (self.exponent_bits - 1)) - 1)

    @property
    def min_exponent(self) -> int:
        """The exponent of the smallest normal value; subnormals share it."""
        return 1 - self.exponent_bias

    @property
    def quant_max(self) -> float:
        """The largest finite value: 448 for e4m3, 57344 for e5m2."""
        top_exponent = (1 << self.exponent_bits) - 1 - self.has_infinity - self.exponent_bias
        reserved = 1 if self.has_infinity else 2  # the mantissa of all ones is NaN where there is no infinity
        return float(2.0**top_exponent * (2 - reserved / (1 << self.mantissa_bits)))

    @property
    def quant_min(self) -> float:
        """The lowest finite value."""
        return -self.quant_max

    @property
    def num_codes(self) -> int:
        """How many different finite values there are; both zeros count once."""
        per_sign = (1 << 7) - ((1 << self.mantissa_bits) if self.has_infinity else 1)
        return 2 * per_sign - 1

    @property
    def storage_dtype(self) -> str:
        """The NumPy name of the dtype that holds the bit patterns."""
        return "uint8"

    def with_num_bits(self, num_bits: int) -> FloatFormat:
        """The format itself; another width than 8 raises `NumericsError`."""
        if num_bits != self.num_bits:
            raise NumericsError(
                "a floating-point format has no other width",
                found=f"num_bits {num_bits} for {self}",
                expected="8",
                fix="use an integer format for other widths",
            )
        return self

    def __str__(self) -> str:
        """`fp8 e4m3`: as messages and reports print it."""
        return f"fp8 e{self.exponent_bits}m{self.mantissa_bits}"

"""A `QuantScheme`: everything about quantization parameters that is decided before any data is seen."""

from __future__ import annotations

from clika_core.errors import NumericsError
from clika_core.frozen import frozen, replace
from clika_core.schemes.formats import CodeRange, FloatFormat, Format, IntegerFormat
from clika_core.schemes.granularity import Granularity


@frozen
class QuantScheme:
    """Format, granularity and symmetry.

    Symmetric: zero_point is 0 and the range [-m, m] with m the largest magnitude; the format has a sign.
    Asymmetric: the range is stretched to hold 0, and zero_point is the code of 0; integers only.
    Anything else raises `NumericsError`.
    """

    format: Format
    granularity: Granularity
    is_symmetric: bool

    def __post_init__(self) -> None:
        """Refuse combinations without a meaning."""
        has_sign = isinstance(self.format, FloatFormat) or self.format.is_signed
        if self.is_symmetric and not has_sign:
            raise NumericsError(
                "a symmetric scheme needs negative codes",
                found=f"symmetric {self.format}",
                expected="a signed format, or an asymmetric scheme",
                fix="use is_symmetric=False for unsigned formats",
            )
        if not self.is_symmetric and isinstance(self.format, FloatFormat):
            raise NumericsError(
                "a floating-point format has no zero point",
                found=f"asymmetric {self.format}",
                expected="a symmetric scheme",
                fix="use is_symmetric=True for floating-point formats",
            )

    def with_num_bits(self, num_bits: int) -> QuantScheme:
        """The same scheme with codes of another width."""
        return replace(self, format=self.format.with_num_bits(num_bits))

    def with_granularity(self, granularity: Granularity) -> QuantScheme:
        """The same scheme with scales shared in another way."""
        return replace(self, granularity=granularity)

    def with_code_range(self, code_range: CodeRange) -> QuantScheme:
        """The same scheme using other codes (`weights_utilize_full_int_range: false` is `CodeRange.HALF`).

        A floating-point format has no code ranges and stays as it is.
        """
        if not isinstance(self.format, IntegerFormat):
            return self
        return replace(self, format=replace(self.format, code_range=code_range))

    def __str__(self) -> str:
        """`uint8 asymmetric per tensor`: as messages print it."""
        symmetry = "symmetric" if self.is_symmetric else "asymmetric"
        return f"{self.format} {symmetry} {self.granularity}"

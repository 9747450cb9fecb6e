"""What a quantized value looks like, without arrays: number formats, granularity, schemes.

Imports nothing but `clika_core.errors`; planning and targets speak in these words and need no NumPy for it.
Start reading at `formats` and `granularity`; a `QuantScheme` is one of each plus symmetry. `named` holds the
schemes that the deployment targets use, `serialization` their form in files.
"""

from clika_core.schemes.formats import CodeRange, FloatFormat, Format, IntegerFormat
from clika_core.schemes.granularity import Granularity, PerChannel, PerGroup, PerTensor
from clika_core.schemes.scheme import QuantScheme

__all__ = [
    "CodeRange",
    "FloatFormat",
    "Format",
    "Granularity",
    "IntegerFormat",
    "PerChannel",
    "PerGroup",
    "PerTensor",
    "QuantScheme",
]

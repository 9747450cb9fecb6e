"""What a report says about where it was made: versions, processor flags, platform. No paths, no host names."""

from __future__ import annotations

import platform
from pathlib import Path

_PACKAGES = ("clika-core", "numpy", "torch", "tensorflow", "keras", "jax", "flax", "onnx", "onnxruntime")
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm")


def versions() -> dict[str, str]:
    """The versions of the installed packages that can change a number."""
    from importlib import metadata  # here: who asks for processor flags alone starts sooner

    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def cpu_flags() -> list[str]:
    """The processor's flags that matter for integer arithmetic; empty where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return []
    line = next((row for row in text.splitlines() if row.startswith(("flags", "Features"))), "")
    present = set(line.partition(":")[2].split())
    return [flag for flag in _FLAGS if flag in present]


def lacks_vnni(flags: list[str]) -> bool:
    """Whether this is an x86 processor whose int8 products of full-range weights can overflow int16 pairs."""
    return "avx2" in flags and not {"avx512_vnni", "avx_vnni", "amx_int8"} & set(flags)

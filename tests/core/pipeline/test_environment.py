"""What a report says of the place it was made in: versions and processor flags, nothing else."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from clika_core.pipeline.environment import cpu_flags, lacks_vnni, versions


def test_versions_are_those_of_python_and_the_installed_packages() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["onnxruntime"] == metadata.version("onnxruntime")


def test_a_package_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert versions() == {"python": platform.python_version()}


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (
            "processor : 0\nflags\t\t: fpu avx2 sse4_2 avx512_vnni avx512f\nflags : avx_vnni\n",
            ["avx2", "avx512f", "avx512_vnni"],
        ),
        ("Features : fp asimd asimddp\n", ["asimd", "asimddp"]),
        ("nothing of the kind\n", []),
    ],
)
def test_flags_that_matter_are_read(text: str, flags: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    assert cpu_flags() == flags


def test_a_system_that_does_not_tell_has_no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", refuse)
    assert cpu_flags() == []


@pytest.mark.parametrize(
    ("flags", "lacking"),
    [
        (["avx2"], True),
        (["avx2", "avx512_vnni"], False),
        (["avx2", "avx_vnni"], False),
        (["asimd"], False),
        ([], False),
    ],
)
def test_a_processor_without_vnni_is_noticed(flags: list[str], lacking: bool) -> None:
    assert lacks_vnni(flags) is lacking

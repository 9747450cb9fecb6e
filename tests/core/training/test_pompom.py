"""A state's file: exact, strict, and whole whatever happens while it is written."""

from __future__ import annotations

import errno
import json
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from clika_core.errors import OutputError, StateError
from clika_core.training.pompom import Pompom, grouped, read_pompom, to_bytes, write_pompom

STATE = Pompom(
    {"epoch": 3, "name": "größe"},
    {
        "a/x": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a/y": np.float64(2.5) * np.ones(()),
        "b": np.zeros(0),
    },
)


def same(first: Pompom, second: Pompom) -> bool:
    return (
        first.content == second.content
        and first.arrays.keys() == second.arrays.keys()
        and all(
            np.array_equal(a, second.arrays[n]) and a.dtype == second.arrays[n].dtype
            for n, a in first.arrays.items()
        )
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_pompom(tmp_path / "deep" / "model.pompom", STATE)
    assert same(read_pompom(tmp_path / "deep" / "model.pompom"), STATE)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.pompom"]


def test_any_safetensors_reader_opens_it(tmp_path: Path) -> None:
    write_pompom(tmp_path / "model.pompom", STATE)
    assert np.array_equal(load_file(tmp_path / "model.pompom")["a/x"], STATE.arrays["a/x"])


def test_equal_states_are_equal_bytes_whatever_the_order() -> None:
    turned = Pompom(STATE.content, dict(reversed(list(STATE.arrays.items()))))
    assert to_bytes(turned) == to_bytes(STATE)


def test_equal_arrays_are_kept_once(tmp_path: Path) -> None:
    large = np.arange(10_000, dtype=np.float32)
    write_pompom(tmp_path / "one", Pompom({}, {"a": large}))
    write_pompom(tmp_path / "two", Pompom({}, {"a": large, "b": large.copy()}))
    assert (tmp_path / "two").stat().st_size < (tmp_path / "one").stat().st_size + 200
    assert np.array_equal(read_pompom(tmp_path / "two").arrays["b"], large)


def test_groups_are_names_with_a_prefix() -> None:
    arrays = grouped("native", {"x": np.ones(1)})
    assert list(arrays) == ["native/x"]
    assert list(Pompom({}, {**arrays, "nativex/y": np.ones(1)}).group("native")) == ["x"]


@given(cut=st.integers(0, len(to_bytes(STATE)) - 1))
def test_no_beginning_of_a_file_is_a_state(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "model.pompom"
    path.write_bytes(to_bytes(STATE)[:cut])
    with pytest.raises(StateError):
        read_pompom(path)


@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_a_changed_byte_is_a_state_error_or_another_state(
    position: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(to_bytes(STATE))
    content[position % len(content)] = value
    path = tmp_path_factory.mktemp("changed") / "model.pompom"
    path.write_bytes(bytes(content))
    with suppress(StateError):
        read_pompom(path)


def _document(path: Path, document: Any) -> None:
    save_file(
        {"b": np.ones(1)}, path, {"clika": document if isinstance(document, str) else json.dumps(document)}
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "is damaged"),
        ('{"format": "clika-pompom", "format": "clika-pompom"}', "is damaged"),
        ("[]", "is no saved state"),
        ({"format": "other"}, "is no saved state"),
        ({"format": "clika-pompom", "version": 99}, "has a version that cannot be read here"),
        ({"format": "clika-pompom", "version": 1}, "is damaged"),
        ({"format": "clika-pompom", "version": 1, "aliases": {"x": "y"}, "content": {}}, "is damaged"),
        ({"format": "clika-pompom", "version": 1, "aliases": {"x": []}, "content": {}}, "is damaged"),
    ],
)
def test_other_documents_are_refused(document: Any, message: str, tmp_path: Path) -> None:
    _document(tmp_path / "model.pompom", document)
    with pytest.raises(StateError, match=message):
        read_pompom(tmp_path / "model.pompom")


def test_a_model_that_keras_saved_is_told_from_a_state(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(StateError, match="a zip archive: what Keras") as raised:
        read_pompom(path)
    assert "clika_compress" in (raised.value.fix or "")


def test_other_files_are_refused(tmp_path: Path) -> None:
    save_file({"b": np.ones(1)}, tmp_path / "plain.safetensors")
    with pytest.raises(StateError, match="is no saved state"):
        read_pompom(tmp_path / "plain.safetensors")
    with pytest.raises(StateError, match="cannot be read"):
        read_pompom(tmp_path / "missing")
    (tmp_path / "huge").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    with pytest.raises(StateError, match="cannot be read"):
        read_pompom(tmp_path / "huge")


class _Fault:
    """Fails one call of a function of the system, and tells whether it was reached."""

    def __init__(self, code: int) -> None:
        self._code = code
        self.is_reached = False

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self.is_reached = True
        raise OSError(self._code, os.strerror(self._code))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("function", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.chmod"])
def test_a_fault_while_writing_leaves_the_old_state_and_nothing_else(
    function: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pompom"
    write_pompom(path, STATE)
    fault = _Fault(code)
    monkeypatch.setattr(function, fault)
    with pytest.raises(OutputError, match="cannot save the state") as raised:
        write_pompom(path, Pompom({"epoch": 4}, {}))
    monkeypatch.undo()
    assert fault.is_reached
    assert os.strerror(code) in str(raised.value)
    assert same(read_pompom(path), STATE)
    assert [found.name for found in tmp_path.iterdir()] == ["model.pompom"]


def test_a_full_disk_in_the_middle_of_the_content_leaves_the_old_state(tmp_path: Path) -> None:
    """A short write and then no space: the real thing, on a device that is always full."""
    path = tmp_path / "model.pompom"
    write_pompom(path, STATE)
    resource = pytest.importorskip("resource", reason="limits of processes are POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = Pompom({}, {"x": np.random.default_rng(0).normal(size=200_000)})
    import signal

    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot save the state"):
            write_pompom(path, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert same(read_pompom(path), STATE)
    assert [found.name for found in tmp_path.iterdir()] == ["model.pompom"]

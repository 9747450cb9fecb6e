"""Reading and writing settings files on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from clika_core.errors import OutputError, SettingsError
from clika_core.settings import LayerQuantizationSettings, Settings
from clika_core.settings.load import MAX_BYTES, load_settings, read_document_file
from tests.core.settings.strategies import EXAMPLES


def _example() -> Settings:
    settings = Settings()
    settings.training_settings.learning_rate = 1e-5
    settings.global_quantization_settings.skip_tail_quantization = ["output_1", "no"]
    settings.set_quantization_settings_for_layer(
        "adaptive_avg_pool_1",
        LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["linear_5", "1.10"]),
    )
    settings.set_quantization_settings_for_layer("op:softmax", LayerQuantizationSettings())
    return settings


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json", ".YAML"])
def test_what_is_saved_is_loaded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"settings{suffix}"
    _example().save(path)
    assert Settings.load_from_path(path) == _example()
    assert Settings.load_from_path(str(path)) == _example()
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_other_readers_understand_what_is_saved(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"settings.{suffix}"
    _example().save(path)
    text = path.read_text(encoding="utf-8")
    content = yaml.safe_load(text) if suffix == "yaml" else json.loads(text)
    assert content == _example().to_json()


def test_a_saved_yaml_file_describes_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    _example().save(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "  stats_steps: 20                                 # Calibration batches." in lines
    assert lines[-6:] == [
        "  adaptive_avg_pool_1:",
        "    quantization_settings:",
        "      skip_quantization: true",
        '      skip_quantization_until: [linear_5, "1.10"]',
        '  "op:softmax":',
        "    quantization_settings: {}",
    ]


@pytest.mark.parametrize("syntax", EXAMPLES)
def test_the_suffix_says_the_format(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / f"settings.{syntax}"
    path.write_text(EXAMPLES[syntax], encoding="utf-8")
    settings = load_settings(path)
    assert settings.training_settings.stats_steps == 20
    assert settings.rules[0].location is not None
    assert settings.rules[0].location.file == str(path)


@pytest.mark.parametrize("name", ["settings.ini", "settings", ".yaml"])
def test_an_unknown_suffix_is_refused_for_reading_and_writing(tmp_path: Path, name: str) -> None:
    for use in (Settings.load_from_path, Settings().save):
        with pytest.raises(SettingsError, match=r"expected: \.yaml, \.yml, \.json, \.toml"):
            use(tmp_path / name)


def test_saving_as_toml_is_refused_because_it_has_no_null(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOML, which has no null"):
        Settings().save(tmp_path / "settings.toml")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="found: No such file or directory"):
        Settings.load_from_path(tmp_path / "missing.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SettingsError, match="found: Is a directory"):
        Settings.load_from_path(tmp_path / "folder.yaml")


def test_a_path_with_a_null_character_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load_from_path("a\0.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: \xff\n", "s.yaml:2: the file is not text in UTF-8\n  found: the byte 0xff"),
        ("a: 1".encode("utf-16"), "s.yaml:1: the file is not text in UTF-8\n  found: the byte 0xff"),
        (b"\x80\x81", "s.yaml:1: the file is not text in UTF-8\n  found: the byte 0x80"),
    ],
)
def test_bytes_that_are_not_utf_8_are_refused_at_their_line(
    tmp_path: Path, data: bytes, message: str
) -> None:
    (tmp_path / "s.yaml").write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "s.yaml")
    assert str(caught.value).replace(f"{tmp_path}{os.sep}", "").startswith(message)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLES["yaml"].replace("\n", "\r\n").encode())
    settings = load_settings(path)
    path.write_bytes(EXAMPLES["yaml"].encode())
    assert settings == load_settings(path)
    assert settings.rules[0].field_locations == load_settings(path).rules[0].field_locations


@pytest.mark.parametrize("byte", [b" ", b"\xff"])
def test_a_file_over_the_size_limit_is_refused_without_reading_on(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(byte * (MAX_BYTES + 1))
    (problem,) = read_document_file(path).problems
    assert problem.message == "the file is too large for settings"
    path.write_bytes(b" " * MAX_BYTES)
    assert not read_document_file(path).problems


def test_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").symlink_to("/dev/zero")
    assert "too large" in read_document_file(tmp_path / "settings.yaml").problems[0].message


def test_saving_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        Settings().save(tmp_path / "missing" / "settings.yaml")


def test_a_failed_save_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.yaml"
    Settings().save(path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        _example().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["settings.yaml"]


def test_saving_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").touch()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "real.yaml")
    _example().save(tmp_path / "link.yaml")
    assert (tmp_path / "link.yaml").is_symlink()
    assert load_settings(tmp_path / "real.yaml") == _example()

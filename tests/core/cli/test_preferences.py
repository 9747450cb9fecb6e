"""Command line > settings > `[tool.clika]` > environment > default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clika_core.cli.preferences import Preferences, find_table
from clika_core.cli.run_options import RunOptions
from clika_core.errors import SettingsError

NOTHING: dict[str, Any] = {
    "settings": None,
    "target": None,
    "batch_size": None,
    "device": None,
    "seed": None,
    "verbose": False,
    "quiet": False,
    "log_file": None,
}
ENVIRONMENT = {"CLIKA_TARGET": "trt", "CLIKA_SEED": "4", "CLIKA_DEVICE": "cuda", "CLIKA_BATCH_SIZE": "9"}
TABLE = {"target": "qnn", "seed": 3, "device": "cpu", "batch-size": 8}
SETTINGS = "deployment_settings: {target_framework: ov}\ntraining_settings: {random_seed: 2}\n"


def resolved(table: dict[str, Any], environment: dict[str, str], **given: Any) -> tuple[Any, ...]:
    options = RunOptions.resolve(NOTHING | given, Preferences(table, environment))
    return options.target, options.seed, options.device, options.batch_size


def test_each_place_comes_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SETTINGS)
    assert resolved({}, {}) == ("ort", 0, "auto", 32)
    assert resolved({}, ENVIRONMENT) == ("trt", 4, "cuda", 9)
    assert resolved(TABLE, ENVIRONMENT) == ("qnn", 3, "cpu", 8)
    assert resolved(TABLE, ENVIRONMENT, settings=path) == ("ov", 2, "cpu", 8)
    given = {"target": "ort", "seed": 1, "device": "cuda:1", "batch_size": 7}
    assert resolved(TABLE, ENVIRONMENT, settings=path, **given) == ("ort", 1, "cuda:1", 7)


def test_the_settings_file_itself_can_be_preferred(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SETTINGS)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.clika]\nsettings = "s.yaml"\n[tool.clika.lint]\nignore = []\n'
    )
    (tmp_path / "inside").mkdir()
    assert resolved(find_table(tmp_path / "inside"), {})[0] == "ov"


def test_a_seed_of_zero_is_a_seed() -> None:
    assert resolved({"seed": 5}, {}, seed=0)[1] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.clika]\nsed = 3", "did you mean 'seed'"),
        ('[tool.clika]\nseed = "3"', "wrong type"),
        ("[tool.clika]\nseed = true", "wrong type"),
        ("[tool.clika", "is not TOML"),
    ],
)
def test_a_wrong_table_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        find_table(tmp_path)


def test_an_environment_variable_that_is_no_number_is_told() -> None:
    with pytest.raises(SettingsError, match="CLIKA_SEED holds no number"):
        resolved({}, {"CLIKA_SEED": "many"})

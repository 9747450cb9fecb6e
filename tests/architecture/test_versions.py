"""Versions are written down once, or agree."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import clika_core
import clika_jax.backend
import clika_tensorflow.backend
import clika_torch.backend


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    """The table `[project]` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


@pytest.fixture(scope="module")
def pins(root: Path) -> dict[str, Version]:
    """The versions of constraints.txt by normalised name."""
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {normalised(name): Version(number) for name, number in pairs}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_changelog_begins_with_this_version(root: Path) -> None:
    headings = re.findall(r"^## (\S+?),? ", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == clika_core.__version__


def test_everything_an_extra_asks_for_is_pinned_to_a_version_it_allows(
    project: dict[str, Any], pins: dict[str, Version]
) -> None:
    lists = (project["dependencies"], *project["optional-dependencies"].values())
    asked = [Requirement(text) for texts in lists for text in texts]
    foreign = {normalised(r.name): r.specifier for r in asked if r.name != "clika-core"}
    assert sorted(set(foreign) - set(pins)) == []
    assert [name for name, allowed in foreign.items() if pins[name] not in allowed] == []


def test_no_pin_contradicts_what_another_pinned_distribution_asks_for(pins: dict[str, Version]) -> None:
    """Else the README's command cannot install anything; of what is installed here it can be seen."""
    contradictions = []
    for distribution in metadata.distributions():
        name = normalised(distribution.name)
        if name in pins:
            for asked in map(Requirement, distribution.requires or ()):
                applies = asked.marker is None or asked.marker.evaluate({"extra": ""})
                pin = pins.get(normalised(asked.name))
                if applies and pin is not None and pin not in asked.specifier:
                    contradictions.append(f"{name} asks for {asked}, pinned is {pin}")
    assert contradictions == []


def test_the_extra_all_names_every_extra_a_user_may_want(project: dict[str, Any]) -> None:
    (everything,) = project["optional-dependencies"]["all"]
    assert Requirement(everything).extras == set(project["optional-dependencies"]) - {"all", "dev"}


def test_torch_is_installed_in_the_pinned_version(root: Path, pins: dict[str, Version]) -> None:
    for name in ("README.md", "CONTRIBUTING.md", "tox.ini", ".ci/run"):
        for found in re.findall(r"torch==([\w.]+)", (root / name).read_text(encoding="utf-8")):
            assert Version(found) == pins["torch"], name


TESTED = {
    "jax": clika_jax.backend.TESTED,
    "tensorflow": clika_tensorflow.backend.TESTED,
    "torch": clika_torch.backend.TESTED,
}


@pytest.mark.parametrize("extra", TESTED)
def test_the_range_that_a_backend_calls_tested_is_what_is_asked_for_and_pinned(
    project: dict[str, Any], pins: dict[str, Version], extra: str
) -> None:
    asked = [Requirement(text) for text in project["optional-dependencies"][extra]]
    (framework,) = [requirement for requirement in asked if requirement.name.partition("-")[0] == extra]
    (bound,) = framework.specifier
    assert (bound.operator, bound.version, str(pins[normalised(framework.name)])) == (">=", *TESTED[extra])

"""What every source file of the project has to be, and what none may do; each refusal is itself tried out."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

LONGEST_FILE = 400
VAGUE_NAMES = ("utils", "util", "helpers", "helper", "common", "misc")
BESIDE_THE_FOLDERS = {
    ".gitignore",
    ".pre-commit-config.yaml",
    ".pre-commit-hooks.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "constraints.txt",
    "pyproject.toml",
    "tox.ini",
}
"""The files at the top; what a tool leaves there, say a downloaded wheel, is no part of the project."""
NAMES_USERS_KNOW = {Path("clika_compression/utils.py")}  # imported by code written for the earlier product
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}


class Module(Protocol):
    """A Python file, as the fixture `modules` gives it."""

    path: Path
    text: str
    tree: ast.Module


def star_imports(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def unsafe_modules(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in UNSAFE_MODULES for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES


def unsafe_calls(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in UNSAFE_CALLS


def pickled_arrays(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if ast.unparse(node.func) == "torch.load":
        return keywords.get("weights_only") != "True"
    return keywords.get("allow_pickle", "False") != "False"


def swallowed_exceptions(node: ast.AST) -> bool:
    """Any exception at all, passed over. A particular one may be: absence is an answer to a question."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    is_broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
    return is_broad and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)


def comparisons_with_a_backend(node: ast.AST) -> bool:
    """`backend == "torch"`, `backend.name in ("torch", "jax")` and their like."""
    if not isinstance(node, ast.Compare):
        return False
    operands = [ast.unparse(operand) for operand in (node.left, *node.comparators)]
    names = any(re.fullmatch(r"(.*\.)?(backend|framework)(\.name|_name)?", operand) for operand in operands)
    return names and any(re.search(r"'(torch|tensorflow|keras|jax)'", operand) for operand in operands)


REFUSALS: dict[Callable[[ast.AST], bool], str] = {
    star_imports: "from os.path import *",
    unsafe_modules: "import pickle",
    unsafe_calls: "import yaml\nyaml.load(text)",
    pickled_arrays: "np.load(path, allow_pickle=True)",
    swallowed_exceptions: "for x in y:\n    try:\n        f(x)\n    except Exception:\n        continue",
    comparisons_with_a_backend: "if self.backend.name == 'torch':\n    run()",
}
"""Each refusal with a piece of code that it must notice."""

HARMLESS = """
import yaml
from os.path import join
value = ast.literal_eval(text) if torch.load(path, weights_only=True) else np.load(path, allow_pickle=False)
try:
    node = yaml.compose(text)
except ValueError as error:
    raise SettingsError("not YAML") from error
if backend is None or node.type == "torch":
    model.eval()
"""


def lines(tree: ast.Module, refuses: Callable[[ast.AST], bool]) -> Iterator[int]:
    """The lines on which a refusal strikes."""
    return (getattr(node, "lineno", 0) for node in ast.walk(tree) if refuses(node))


@pytest.mark.parametrize("refuses", REFUSALS, ids=lambda refuses: refuses.__name__)
def test_no_source_file_has(refuses: Callable[[ast.AST], bool], modules: Sequence[Module]) -> None:
    assert [f"{module.path}:{line}" for module in modules for line in lines(module.tree, refuses)] == []


@pytest.mark.parametrize("refuses", REFUSALS, ids=lambda refuses: refuses.__name__)
def test_the_check_notices(refuses: Callable[[ast.AST], bool]) -> None:
    assert list(lines(ast.parse(REFUSALS[refuses]), refuses))


@pytest.mark.parametrize("refuses", REFUSALS, ids=lambda refuses: refuses.__name__)
def test_the_check_lets_harmless_code_pass(refuses: Callable[[ast.AST], bool]) -> None:
    assert list(lines(ast.parse(HARMLESS), refuses)) == []


def test_no_file_is_longer_than_a_reader_can_hold(modules: Sequence[Module]) -> None:
    lengths = {str(module.path): len(module.text.splitlines()) for module in modules}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_module_says_what_lives_in_it(modules: Sequence[Module]) -> None:
    assert [str(module.path) for module in modules if not ast.get_docstring(module.tree)] == []


def test_no_file_has_a_name_that_says_nothing(modules: Sequence[Module]) -> None:
    assert [m.path for m in modules if m.path.stem in VAGUE_NAMES and m.path not in NAMES_USERS_KNOW] == []


def test_what_is_committed_at_the_top_belongs_there(root: Path) -> None:
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a clone")
    top = subprocess.run(
        ["git", "ls-files", ":(glob)*"], cwd=root, check=True, capture_output=True, text=True, timeout=60
    )
    assert set(top.stdout.splitlines()) == BESIDE_THE_FOLDERS

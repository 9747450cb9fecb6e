"""Nothing that a file can hold makes the linter crash, hang or change its mind; fixing always comes to an end."""

from __future__ import annotations

import random
import time
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clika_core.ir.graph import Graph
from clika_core.settings.document import Document
from clika_core.settings.load import read_document, read_document_file
from clika_core.testing.builder import GraphBuilder
from clika_linter.cache import ResultCache
from clika_linter.configuration import Configuration
from clika_linter.discovery import Pairing
from clika_linter.example_graphs import classifier, residual
from clika_linter.fixing import fix_document
from clika_linter.reported import Reported
from clika_linter.rules.table import RULES
from clika_linter.running import Linter
from clika_linter.selection import Selection
from clika_linter.testing import unmark
from tests.linter.conftest import Lint, Project
from tests.spending import at_most

MAX_SECONDS = 1.0
MAX_MEGABYTES = 200
CASES = tuple(
    (unmark(case.settings)[0], case.syntax)
    for entry in RULES
    for case in (*entry.load().VALID, *entry.load().INVALID)
)
"""Every settings file that a rule shows: what mutations start from."""
PIECES = st.sampled_from(
    ["\t", "{", "}", "[", "]", ": ", "- ", "&a ", "*a", "<<: ", "# clika: ignore[CLK204] x", "# clika: ignore-file[",
     "'", '"', "|\n", "\ufeff", "\r", "\r\n", "\n", "é", "\u2028", "\x00", "---\n", "!!str ", "=", "]]", "1e999"]
)  # fmt: skip


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("graphs") / "model.graph.json"
    graph().save(path)
    return str(path)


@cache
def graph() -> Graph:
    builder = GraphBuilder()
    residual(builder)
    return builder.build()


def linter(graph_file: str | None) -> Linter:
    cache = ResultCache(is_used=False)
    return Linter(RULES, Configuration(), Selection(), Pairing(graph_file), cache)


def crashes(findings: tuple[Reported, ...]) -> list[str]:
    return [finding.message for finding in findings if finding.code == "CLK902"]


def check(document: Document, graph_file: str | None) -> None:
    """Lint, and fix until nothing is left, within the time that any file may take."""
    with at_most(MAX_SECONDS):
        result = linter(graph_file).lint_document(document)
    assert crashes(result.findings) == []


@given(st.binary(max_size=300), st.sampled_from(["yaml", "json", "toml"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes_never_crash(graph_file: str, tmp_path: Path, content: bytes, syntax: str) -> None:
    path = tmp_path / f"settings.{syntax}"
    path.write_bytes(content)
    check(read_document_file(path), graph_file)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A settings file of a rule's cases with a few pieces put in, taken out or doubled."""
    text, syntax = draw(st.sampled_from(CASES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(st.one_of(PIECES, st.just(""), st.just(text[start:end] * 2))) + text[end:]
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    return mark + text.lstrip("\ufeff"), syntax  # a second mark would count as the first when read again


@given(mutated())
@settings(suppress_health_check=list(HealthCheck))
def test_a_damaged_settings_file_never_crashes_and_its_fixes_come_to_an_end(
    graph_file: str, case: tuple[str, str]
) -> None:
    document = read_document(case[0], f"settings.{case[1]}", case[1])
    check(document, graph_file)
    tool = linter(graph_file)
    fixed = fix_document(document, lambda d: tool.lint_document(d).findings, is_unsafe_allowed=True)
    again = fix_document(
        read_document(fixed.after, document.source.file, case[1]),
        lambda d: tool.lint_document(d).findings,
        is_unsafe_allowed=True,
    )
    assert again.after == fixed.after
    assert again.num_fixes == 0


@given(mutated(), st.randoms(use_true_random=False))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_findings_do_not_depend_on_the_order_of_rules(
    graph_file: str, case: tuple[str, str], chance: random.Random
) -> None:
    document = read_document(case[0], f"settings.{case[1]}", case[1])
    shuffled = list(RULES)
    chance.shuffle(shuffled)
    other = Linter(shuffled, Configuration(), Selection(), Pairing(graph_file), ResultCache(is_used=False))
    assert other.lint_document(document).findings == linter(graph_file).lint_document(document).findings


@given(mutated())
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
def test_suppressing_every_finding_leaves_none_and_no_unused_suppression(
    graph_file: str, case: tuple[str, str]
) -> None:
    text, syntax = case
    if syntax == "json":
        return  # it has no comments
    tool = linter(graph_file)
    document = read_document(text, f"settings.{syntax}", syntax)
    codes = sorted({f.code for f in tool.lint_document(document).findings} - {"CLK901"})
    if not codes or "clika:" in text or document.root is None:
        return
    comment = f"# clika: ignore-file[{', '.join(codes)}] all of them\n"
    after = tool.lint_document(read_document(comment + text, f"settings.{syntax}", syntax))
    assert [(f.code, f.message) for f in after.findings] == []


DEEP = 10**5


def rule(selector: str) -> str:
    """A settings file with one rule."""
    return f"layer_settings: {{'{selector}': {{quantization_settings: {{skip_quantization: true}}}}}}"


def repeated(first: str, form: str) -> str:
    """Anchors that repeat the one before nine times each, thirty levels high."""
    aliases = ((n, ", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 30))
    return f"a0: &a0 {first}\n" + "".join(f"a{n}: &a{n} {form.format(names)}\n" for n, names in aliases)


HOSTILE = {
    "deep flow": ("yaml", "[" * DEEP),
    "deep mapping": ("yaml", "{a: " * DEEP),
    "deep block": ("yaml", "\n".join("  " * n + "a:" for n in range(2_000))),
    "deep json": ("json", "[" * DEEP + "]" * DEEP),
    "deep toml": ("toml", "a = " + "[" * DEEP),
    "dotted toml": ("toml", ".".join("a" * DEEP) + " = 1"),
    "bomb": ("yaml", repeated("[x]", "[{}]")),
    "merge bomb": ("yaml", repeated("{k: 1}", "{{<<: [{}]}}")),
    "itself": ("yaml", "a: &a [*a]\n"),
    "tabs": ("yaml", "training_settings:\n\tnum_epochs: 3\n"),
    "nul": ("yaml", "a: \x00"),
    "bell": ("json", '{"a": "\x07"}'),
    "long line": ("yaml", "training_settings: {num_epochs: " + "9" * 10**6 + "}"),
    "regular expression": ("yaml", rule("re:(a*)*" + "(a|a)*" * 50 + "b")),
    "unknown layers": ("yaml", "layer_settings:\n" + "".join(f"  layer_{n}: {{}}\n" for n in range(3_000))),
    "glob": ("yaml", rule("*a" * 200 + "b")),
    "many keys": ("yaml", "training_settings:\n" + "".join(f"  key_{n}: 1\n" for n in range(20_000))),
    "many duplicates": ("yaml", "training_settings:\n" + "  num_epochs: 1\n" * 20_000),
    "many suppressions": ("yaml", "a: 1 # clika: ignore[CLK204, CLK101] x\n" * 5_000),
    "suppression codes": ("yaml", "a: 1 # clika: ignore[" + "CLK204," * 20_000 + "] x\n"),
    "suppressed words": ("yaml", "a: 1 # clika: ignore[" + ",".join(f"X{n}" for n in range(5_000)) + "] x\n"),
    "comment": ("yaml", "# clika: " + "ignore" * 10**5),
    "spaces": ("yaml", " " * 10**6 + "# clika: graph=" + "x" * 10**5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_answered_at_once_and_in_little_memory(name: str, graph_file: str) -> None:
    syntax, text = HOSTILE[name]
    tool = linter(graph_file)
    tool.lint_document(read_document("", "settings.yaml"))  # imports what there is to import
    tracemalloc.start()
    start = time.process_time()
    result = tool.lint_document(read_document(text, f"settings.{syntax}", syntax))
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert crashes(result.findings) == []
    assert peak < MAX_MEGABYTES * 2**20
    assert seconds < 10 * MAX_SECONDS, "tracing memory makes everything many times slower"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00a", "not text in UTF-8"),
        (b"a: 1\n" * 1_000_000, "too large"),
        (b"\xef\xbb\xbftraining_settings: {num_epochs: 3,}}", "not YAML"),
        (b"[" * DEEP, "nests deeper"),
        (HOSTILE["bomb"][1].encode(), "aliases written out"),
        (b"a: 1\n---\nb: 2\n", "several documents"),
    ],
    ids=["utf-16", "large", "mark", "deep", "bomb", "documents"],
)
def test_what_cannot_be_read_gets_one_clear_finding(
    project: Project, lint: Lint, content: bytes, words: str
) -> None:
    (project.folder / "settings.yaml").write_bytes(content)
    ran = lint("settings.yaml", "--format", "concise")
    assert ran.code == 1
    (line,) = ran.out.splitlines()
    assert "error[CLK001]" in line
    assert words in line


def test_carets_stand_right_behind_a_byte_order_mark_and_carriage_returns(
    project: Project, lint: Lint
) -> None:
    text = "\ufefflayer_settings:\r\n  linear_1: {quantization_settings: {skip_quantization: true}}\r\n"
    path = project.write("settings.yaml", text)
    project.graph(make=classifier)
    arguments = ("settings.yaml", "--graph", "model.graph.json", "--select", "CLK204")
    ran = lint(*arguments)
    assert "settings.yaml:2:3:" in ran.out
    assert "\n  |   ^^^^^^^^\n" in ran.out
    assert lint(*arguments, "--fix").code == 0
    assert path.read_bytes() == "\ufefflayer_settings:\r\n".encode()


def test_a_file_that_cannot_be_written_is_broken_usage_not_a_crash(
    project: Project, lint: Lint, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        "settings.yaml", "layer_settings: {linear_1: {quantization_settings: {skip_quantization: true}}}\n"
    )
    project.graph(make=classifier)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    ran = lint("settings.yaml", "--graph", "model.graph.json", "--select", "CLK204", "--fix")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert [path.name for path in project.folder.iterdir() if path.name.startswith(".")] == []

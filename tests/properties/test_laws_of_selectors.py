"""Selectors mean what they are defined to mean, spelt out word by word."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from clika_core.planning.globs import glob_matcher, matching_words
from clika_core.planning.regular_expressions import Words
from clika_core.planning.selectors import SelectorIndex
from clika_core.testing.strategies import graphs
from tests.properties.oracle.selection import ContradictionError, select

_NAMES = {"PREFIX": "PREFIX_PATH", "OPERATOR_TYPE": "OP"}  # the oracle's words, and the engine's
_PARTS = st.text("ab0_", min_size=1, max_size=4)
_WORDS = st.lists(_PARTS, min_size=1, max_size=4).map(".".join)
_WORD_LISTS = st.lists(_WORDS, max_size=12, unique=True).map(sorted)
_GLOBS = st.lists(
    st.one_of(st.text("ab0_*?", min_size=1, max_size=5), st.just("**")), min_size=1, max_size=4
).map(".".join)
_ATOMS = (
    "a",
    "b",
    "0",
    "_",
    r"\.",
    ".",
    "[ab]",
    "[^a]",
    "a|b",
    "(ab)",
    "a*",
    ".*",
    "b?",
    ".+",
    "$",
    "^",
    r"\w",
    r"\b",
)
_REGEXES = st.lists(st.sampled_from(_ATOMS), min_size=1, max_size=5).map("".join)


def fits(pattern: list[str], parts: list[str]) -> bool:
    """The definition of a glob, component by component."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(fits(pattern[1:], parts[skipped:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and fits(pattern[1:], parts[1:])


@given(_GLOBS, _WORD_LISTS)
def test_a_glob_matches_the_words_that_its_definition_does(pattern: str, words: list[str]) -> None:
    expected = [word for word in words if fits(pattern.split("."), word.split("."))]
    assert list(matching_words(pattern, words)) == expected
    assert [word for word in words if glob_matcher(pattern)(word)] == expected


@given(_REGEXES, st.lists(st.one_of(_WORDS, st.sampled_from(["a\nb", "ä.b"])), max_size=12, unique=True))
def test_a_regular_expression_matches_the_words_that_it_matches_one_by_one(
    pattern: str, words: list[str]
) -> None:
    expected = {word for word in words if re.fullmatch(pattern, word, re.ASCII)}
    assert set(Words(words).matching(pattern)) == expected


@given(
    st.text("ab", max_size=3),
    _WORD_LISTS,
    st.sampled_from([r"\A{}", r"{}\z", "(?i){}", "(?m)^{}$", r"\Q{}\E"]),
)
def test_regular_expressions_that_look_at_the_whole_text_see_one_word(
    text: str, words: list[str], form: str
) -> None:
    assert set(Words(words).matching(form.format(text))) == {word for word in words if word == text}


def all_selectors(graph: Graph) -> st.SearchStrategy[str]:
    """Words of the graph read in every way, whole and in parts, and patterns made of them."""
    words = [
        word for node in graph.layers for word in (node.name, node.path, node.type, *node.aliases) if word
    ]
    whole = st.sampled_from(words)
    cut = st.tuples(whole, st.integers(0, 12)).map(lambda drawn: drawn[0][: drawn[1]].strip(".") or "a")
    star = cut.map(lambda word: f"{word}*")
    regex = st.tuples(cut, st.sampled_from(["", ".*", r"\w+", "[0-9]"])).map(lambda d: re.escape(d[0]) + d[1])
    return st.one_of(
        whole,
        cut,
        star,
        st.tuples(st.sampled_from(["name:", "path:", "glob:", "op:"]), st.one_of(whole, cut, star)).map(
            "".join
        ),
        regex.map("re:{}".format),
        st.sampled_from([node.type for node in graph.layers]).map("op:{}".format),
    )


@given(graphs(10), st.data())
def test_a_selector_means_the_layers_that_the_oracle_finds(graph: Graph, data: st.DataObject) -> None:
    index = SelectorIndex(graph)
    for selector in data.draw(st.lists(all_selectors(graph), max_size=8)) if graph.layers else ():
        try:
            expected = {name: kind.name for name, kind in select(graph, selector).items()}
        except ContradictionError:
            expected = {}
        try:
            found = {
                graph.nodes[position].name: kind.name for position, kind in index.match(selector).items()
            }
        except SettingsError:
            found = {}
        expected = {name: _NAMES.get(kind, kind) for name, kind in expected.items()}
        assert found == expected, selector

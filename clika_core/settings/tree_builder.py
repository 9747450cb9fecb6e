"""Builds the tree of a `Document` from a stream of values, within limits on depth and size.

The readers of the three formats call it in the order of the file. It shares the nodes that YAML aliases
repeat, so that a file costs what it holds; what it would hold written out is limited too, because readers of
the tree walk all of it. Merge keys and duplicate keys are dealt with here.
"""

from __future__ import annotations

from clika_core.errors import SettingsError
from clika_core.settings.document import Entry, MappingNode, Node, ScalarNode, SequenceNode
from clika_core.settings.messages import shorten
from clika_core.settings.open_collection import OpenCollection
from clika_core.settings.problems import Problem, ProblemKind
from clika_core.settings.source import FILE_START, Source, Span

MAX_DEPTH = 32  # settings need four
MAX_NODES = 200_000  # with aliases written out; a rule needs about eight
MERGE_KEY = "<<"


class UnreadableError(SettingsError):
    """Reading stops here; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        """Carry the problem to the reader's end."""
        super().__init__(problem.message)
        self.problem = problem


class TreeBuilder:
    """Takes values one by one; `root` is the tree when all collections are closed."""

    def __init__(self, source: Source) -> None:
        """Start with nothing."""
        self.source = source
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._size = 0  # of the tree so far, aliases written out
        self._open: list[OpenCollection] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # None: not closed yet

    def open(self, *, is_mapping: bool, span: Span | None, anchor: str | None = None) -> None:
        """A list or mapping begins."""
        if len(self._open) >= MAX_DEPTH:
            raise self.unreadable(f"the file nests deeper than {MAX_DEPTH} levels", span)
        if anchor is not None:
            self._anchors[anchor] = None
        self._open.append(OpenCollection(is_mapping, span, anchor, self._size))
        self._grow(1, span)

    def close(self) -> None:
        """The innermost list or mapping ends."""
        closed = self._open.pop()
        node = closed.node()
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (node, self._size - closed.size_before)
        self._add(node, node.span)

    def scalar(self, node: ScalarNode, anchor: str | None = None, *, is_merge: bool = False) -> None:
        """A single value; `is_merge` for the unquoted `<<` of YAML."""
        self._grow(1, node.span)
        if anchor is not None:
            self._anchors[anchor] = (node, 1)
        self._add(node, node.span, is_merge=is_merge)

    def alias(self, name: str, span: Span) -> None:
        """A node that was given a name before, once more."""
        if name not in self._anchors:
            raise self.unreadable(f"the alias *{shorten(name)} has no anchor", span)
        target = self._anchors[name]
        if target is None:
            raise self.unreadable(f"the alias *{shorten(name)} stands inside the value it names", span)
        node, size = target
        self._grow(size, span)
        self._add(node, span)

    def unreadable(self, message: str, span: Span | None, fix: str | None = None) -> UnreadableError:
        """The error that ends reading, to be raised."""
        location = self.source.location(span or FILE_START)
        return UnreadableError(Problem(ProblemKind.INVALID_SYNTAX, message, location, span, fix=fix))

    def _grow(self, size: int, at: Span | None) -> None:
        """Count `size` more values."""
        self._size += size
        if self._size > MAX_NODES:
            raise self.unreadable(f"the file holds more than {MAX_NODES} values, aliases written out", at)

    def _add(self, node: Node, at: Span | None, *, is_merge: bool = False) -> None:
        """Put a complete node, written `at`, into the innermost open collection, or at the root."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is None and not parent.is_key_refused:
            self._add_key(parent, node, at, is_merge)
        else:
            self._add_value(parent, node)

    def _add_key(self, parent: OpenCollection, node: Node, at: Span | None, is_merge: bool) -> None:
        """Take `node` as the key of the next value."""
        if not isinstance(node, ScalarNode):
            self._report("a key is a list or a mapping", at, "a name as key")
            parent.is_key_refused = True
            return
        parent.key = ScalarNode(node.value, node.text, at)
        parent.is_merge = is_merge

    def _add_value(self, parent: OpenCollection, node: Node) -> None:
        """Take `node` as the value of the last key."""
        key, parent.key = parent.key, None
        if key is None:
            parent.is_key_refused = False
        elif parent.is_merge:
            self._add_merged(parent, node, key)
        else:
            text = str(key.value) if key.text is None else key.text
            if text in parent.entries:
                self._report_duplicate(text, key.span, parent.entries[text].key_span)
            parent.entries[text] = Entry(text, key.span, node)

    def _add_merged(self, parent: OpenCollection, node: Node, key: ScalarNode) -> None:
        """Remember mappings whose entries `parent` takes over."""
        sources = node.items if isinstance(node, SequenceNode) else (node,)
        mappings = [source for source in sources if isinstance(source, MappingNode)]
        parent.merged.extend(mappings)
        if len(mappings) < len(sources):
            self._report("<< has no mapping to merge", key.span, "a mapping, or a list of mappings")

    def _report_duplicate(self, key: str, span: Span | None, first: Span | None) -> None:
        before = self.source.location(first)
        where = f" on line {before.line}" if before else ""
        self.problems.append(
            Problem(
                ProblemKind.DUPLICATE_KEY,
                f"the key {shorten(repr(key))} is already set{where}",
                self.source.location(span),
                span,
                fix="remove one of them: only the last would count",
                related=(first,) if first else (),
            )
        )

    def _report(self, message: str, span: Span | None, expected: str) -> None:
        location = self.source.location(span)
        kind = ProblemKind.INVALID_VALUE
        self.problems.append(Problem(kind, message, location, span, expected=expected))

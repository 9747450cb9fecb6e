"""How Sphinx builds the documentation: `tox -e docs`, where every warning is an error.

The pages are plain Markdown that reads well in the repository too; README and the files beside it are pages like
the others. Navigation follows the folders.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from clika_core import __version__

project = "clika-core"
author = "the clika-core developers"
release = version = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/**/*.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "**/node_modules"]
myst_heading_anchors = 4
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # pages of lint rules show files that are broken on purpose
html_theme = "furo"
html_title = f"clika-core {version}"
html_copy_source = False

_PARTS = {
    "Start": ["../README"],
    "Tutorials": ["tutorials/*"],
    "How-to guides": ["how-to/*"],
    "Reference": ["reference/*", "reference/rules/README"],
    "Explanation": ["explanation/*", "explanation/decisions/README"],
    "Project": ["../CONTRIBUTING", "../CHANGELOG"],
}
_BELOW = {"docs/reference/rules/README": "CLK*", "docs/explanation/decisions/README": "0*"}


def _tree(pattern: list[str], caption: str = "") -> str:
    head = [":hidden:", ":glob:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["", "```{toctree}", *head, "", *pattern, "```", ""])


def _add_navigation(app: Sphinx, name: str, content: list[str]) -> None:
    """Hidden tables of contents, so that the Markdown itself stays free of Sphinx."""
    root = Path(app.confdir)
    if name == root_doc:
        found = {
            caption: [p for p in patterns if list(root.glob(f"{p}.md"))]
            for caption, patterns in _PARTS.items()
        }
        content[0] += "".join(_tree(patterns, caption) for caption, patterns in found.items() if patterns)
    elif name in _BELOW:
        content[0] += _tree([_BELOW[name]])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _add_navigation)

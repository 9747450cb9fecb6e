"""The page of plugin hooks: signatures and what each is for."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from clika_core.plugins import hooks
from clika_core.plugins.installed import GROUP
from clika_core.plugins.manager import DISABLE
from docs.generators.markdown import block, page

_INTRODUCTION = f"""\
A plugin is a distribution with an entry point in the group `{GROUP}` that names its registration module. The
module's functions with these names are called when what they register is asked for; each returns a list.
`clika backends` shows what every plugin brings and why a broken one is broken, and `{DISABLE}` leaves plugins
out. The project registers its own parts in the same way."""
_EXAMPLE = """\
## An example

The distribution names the module:

```toml
[project.entry-points.clika]
acme = "acme_clika.registration"
```

and the module registers a target:

```python
from dataclasses import replace

from clika_core.plugins.hooks import hookimpl
from clika_core.targets.ort import ORT


@hookimpl
def clika_register_targets():
    return [replace(ORT, name="acme_edge", description="onnxruntime on the ACME board")]
```

Everything of a plugin's that fails, prints or takes longer than ten seconds is reported, and nothing else
suffers from it."""


def page_text() -> str:
    """The page."""
    found = [(name, function) for name, function in vars(hooks).items() if name.startswith("clika_register_")]
    sections = [
        f"## {name}\n\n{_signature(function)}\n\n{inspect.getdoc(function)}" for name, function in found
    ]
    return page("Plugin hooks", _INTRODUCTION, *sections, _EXAMPLE)


def _signature(function: Callable[..., object]) -> str:
    """The definition as Python; annotations are kept as text, whose quotes a reader does not need."""
    words = f"def {function.__name__}{inspect.signature(function)}: ..."
    return block(words.replace("'", ""), "python")

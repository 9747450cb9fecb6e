"""All architectures that can be built here, and those that do not go all the way, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from tests.backends.torch.zoo import small
from tests.backends.torch.zoo.entry import Entry

HAS_PACKAGES = all(find_spec(name) is not None for name in ("timm", "torchvision", "transformers"))
"""Whether the packages that bring most of them are installed, as in `tox -e models`."""


def entries() -> tuple[Entry, ...]:
    """Those that need no package, and the others where their packages are."""
    if not HAS_PACKAGES:
        return small.ENTRIES
    from tests.backends.torch.zoo import language, vision

    return (*vision.ENTRIES, *language.ENTRIES, *small.ENTRIES)


KNOWN_FAILURES: Mapping[str, tuple[str, str]] = {}
"""Name to (what the error says, why)."""

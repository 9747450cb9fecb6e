"""The conformance kit: what "a backend works", "an observer works", "a target works" mean, as tests.

For the author of a backend. Depend on `clika-core` and `pytest`; write one `BackendHarness`, which builds the
reference models of `architectures.ARCHITECTURES` in your framework, and subclass the kit with that one fixture:

    from clika_core.testing import BackendConformance, BackendHarness, Subject

    class MyHarness(BackendHarness):
        backend = MyBackend()

        def builders(self):
            return {"bypass": lambda: Subject(my_model(), lambda n, random: (my_batch(n, random),)), ...}
        ...

    class TestMyBackend(BackendConformance):
        @pytest.fixture
        def harness(self):
            return MyHarness()

Rules of the kit:

- its checks cannot be overridden, skipped or marked by a subclass: that is a TypeError when the class is made;
- what your backend cannot do is a `clika_core.backend.gaps.Gap` in `Backend.describe().gaps`, with a kind, a
  reason, and the checks that fail because of it. These then *have to* fail: a closed gap must be taken out;
- your own tests go beside the kit, into functions or classes of their own;
- values are compared with your framework's own model and with the NumPy reference `clika_core.numerics`, never
  with stored numbers.

`ObserverConformance` wants a fixture `make_observer`, `TargetConformance` a fixture `target`; nothing else.
Read `architectures` for the models to build, `harness` for what else to write, `checks/` for what is checked.
"""

from __future__ import annotations

import pytest

_ASSERTING = ("case", "checks", "kit", "observer", "target")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _ASSERTING))

from clika_core.testing.conformance.architectures import ARCHITECTURES, Architecture  # noqa: E402
from clika_core.testing.conformance.backend import BackendConformance  # noqa: E402
from clika_core.testing.conformance.harness import BackendHarness, Subject  # noqa: E402
from clika_core.testing.conformance.observer import ObserverConformance  # noqa: E402
from clika_core.testing.conformance.target import TargetConformance  # noqa: E402

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "BackendConformance",
    "BackendHarness",
    "ObserverConformance",
    "Subject",
    "TargetConformance",
]

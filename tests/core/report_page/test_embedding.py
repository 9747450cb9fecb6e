"""The libraries inside the page are the ones that NOTICE names, each with its licence."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from clika_core.report_page import embedding
from clika_core.report_page.embedding import Script, policy, scripts, styles

VENDOR = Path(embedding.__file__).parent / "vendor"


def test_every_vendored_file_is_the_one_that_was_noted() -> None:
    lines = (VENDOR / "NOTICE").read_text(encoding="utf-8").splitlines()
    noted = {line[66:]: line[:64] for line in lines if re.match("[0-9a-f]{64}  ", line)}
    found = {
        str(path.relative_to(VENDOR)): sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*/*")
    }
    assert found == noted


def test_every_library_has_its_licence_beside_it() -> None:
    for folder in VENDOR.iterdir():
        if folder.is_dir():
            assert "Permission is hereby granted" in (folder / "LICENSE").read_text()


def test_nothing_embedded_ends_its_element_or_points_outside() -> None:
    for text in (*(script.text for script in scripts()), *styles()):
        assert not re.search(r"</(script|style)", text, re.IGNORECASE)
        assert "sourceMappingURL" not in text


def test_a_script_is_allowed_by_the_hash_that_browsers_compute() -> None:
    # the example of the specification of content security policies
    assert Script("alert('Hello, world.');").source == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    assert "script-src 'sha256-" in policy([Script("")])

"""What stays the same of a finding when lines move and numbers change: for baselines and code scanning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from clika_linter.reported import Reported


def fingerprint(finding: Reported, texts: Mapping[str, str]) -> str:
    """Of file, code, layers and the underlined characters; not of the message, which holds measured numbers."""
    region = finding.region
    underlined = texts.get(finding.file, "")[region.start : region.end] if region and region.is_exact else ""
    parts = [finding.file, finding.code, sorted(finding.nodes), underlined]
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]

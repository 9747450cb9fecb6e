"""The findings of one settings file under several graphs, as one list."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clika_linter.reported import Reported


def merged(outcomes: Sequence[Sequence[Reported]], for_every: Collection[str]) -> list[Reported]:
    """Each finding once, with the first graph that has it; of the rules `for_every` graph, those made for all."""
    if len(outcomes) == 1:
        return list(outcomes[0])
    keys = [{_identity(finding, for_every) for finding in findings} for findings in outcomes]
    found: dict[object, Reported] = {}
    for findings in outcomes:
        for finding in findings:
            key = _identity(finding, for_every)
            if finding.code not in for_every or all(key in others for others in keys):
                found.setdefault(key, finding)
    return list(found.values())


def _identity(finding: Reported, for_every: Collection[str]) -> object:
    """What two graphs have in common: the place; layers are named differently where the rule is the same."""
    place = (finding.file, finding.code, finding.region)
    return place if finding.code in for_every else (*place, finding.message, finding.nodes)

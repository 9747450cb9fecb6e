"""`Options`: the command line of `clika lint`."""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """The parameters of the command, by name."""

    paths: tuple[str, ...] = ()
    graph: str | None = None
    report: str | None = None
    reference_report: str | None = None
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: bool = False
    unsafe_fixes: bool = False
    diff: bool = False
    form: str = "text"
    list_formats: bool = False
    output_file: str | None = None
    fail_on: str | None = None
    baseline: str | None = None
    write_baseline: bool = False
    statistics: bool = False
    show_plan: bool = False
    explain: str | None = None
    list_rules: bool = False
    config: str | None = None
    color: str = "auto"
    no_cache: bool = False

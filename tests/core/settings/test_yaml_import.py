"""PyYAML is the same module however it was imported, and `re` is left as it was."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from clika_core.settings.yaml_import import LazyPattern, import_yaml

LOADED = """
import re, sys
compile_now = re.compile
from clika_core.settings.yaml_import import import_yaml
yaml = import_yaml()
assert re.compile is compile_now and yaml is sys.modules["yaml"]
text = "a: 2001-12-14t21:59:43.10-05:00\\nb: [0x1F, 1_000, 190:20:30, yes, ~, 1e3]\\nc: ' '\\n"
print(yaml.load(text, Loader=yaml.SafeLoader), yaml.safe_dump({"a": "yes", "b": "1.5", "c": "12:30"}))
try:
    yaml.load("a: \\x01", Loader=yaml.SafeLoader)
except yaml.YAMLError as error:
    print(error)
"""


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_it_reads_and_writes_as_when_just_imported() -> None:
    plain = LOADED.replace("yaml = import_yaml()", "import yaml")
    assert said(LOADED) == said(plain) != ""


def test_where_other_threads_run_it_is_just_imported() -> None:
    wait = "import threading\nwait = threading.Event()\nthreading.Thread(target=wait.wait).start()\n"
    look = "import yaml.reader\nprint(type(yaml.reader.Reader.NON_PRINTABLE).__name__)\n"
    assert said(LOADED + look).splitlines()[-1] == "LazyPattern"
    assert said(wait + LOADED + look + "wait.set()\n").splitlines()[-1] == "Pattern"


def test_it_is_imported_once() -> None:
    assert import_yaml() is import_yaml() is sys.modules["yaml"]


def test_a_lazy_pattern_does_what_a_pattern_does() -> None:
    lazy, pattern = LazyPattern("A(b+)", re.I), re.compile("A(b+)", re.I)
    assert lazy.sub(r"<\1>", "xabbab") == pattern.sub(r"<\1>", "xabbab")
    assert (lazy.pattern, lazy.flags, lazy.groups) == (pattern.pattern, pattern.flags, pattern.groups)
    assert lazy.match("b") is None
    with pytest.raises(re.error):
        _ = LazyPattern("(").search
    with pytest.raises(AttributeError):
        _ = lazy.nonsense

"""Texts that a hostile file may bring, and how they come out of a picture when read back by other programs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
SNIPPETS: Sequence[str] = (
    '"]; stranger -> "x',
    '\\"]; stranger; "',
    "</TD></TR></TABLE>>]; stranger [label=<",
    '<IMG SRC="/etc/hostname"/>',
    "<BR/>",
    "\\N \\G \\E \\T \\H \\L \\n \\l \\r",
    "&lt;script&gt;&#60;&amp;amp;&nbsp;",
    "<script>alert(1)</script>",
    "--> <!-- ]]>",
    "line\nbreak\r\n\ttab",
    "\x00\x01\x1b[31m\x7f\x85",
    "\u202eright to left\u2066",
    "\ud800 lone \udfff",
    "a\\",
    "\\\\",
    "\\u{41}",
    "",
    " ",
    "'single' \"double\" `back`",
    "{a|b|<port> c}",
    "ünïcödé 名前 🙂",
)

nasty_texts = st.one_of(
    st.sampled_from(SNIPPETS),
    st.text(alphabet="\"<>&\\'\n;[]{}Nu", max_size=8),
    st.text(alphabet=st.characters(), max_size=12),
)


def shown(text: str) -> str:
    """What a reader sees of `text`, by the rule of the documentation: what does not print, as its code."""
    if not text:
        return "(empty)"
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text)


def read_identifier(quoted: str) -> str:
    """The text behind a quoted DOT identifier: DOT's rule (`\\"` is a quote), the entity, then ours backwards."""
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quoted, re.DOTALL), quoted
    inside = re.sub(r'\\(["\\])', lambda found: '"' if found[1] == '"' else found[0], quoted[1:-1])
    inside = inside.replace("&amp;", "&")
    return re.sub(r"\\(?:(\\)|u\{([0-9a-f]+)\})", lambda found: found[1] or chr(int(found[2], 16)), inside)


def texts_of_svg(svg: str) -> list[str]:
    """Every text a reader can select."""
    root = ET.fromstring(svg)
    return ["".join(element.itertext()).replace("\xa0", " ") for element in root.iter(f"{SVG}text")]

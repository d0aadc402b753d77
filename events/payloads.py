r"""What JSON allows and a jsonb column can't hold, or holds only at a price: found in the text, without parsing it.

A payload without brackets, `\u0000` and exponents to speak of costs a few scans in C; only one that looks suspicious
is looked at closely.
"""

import re

DEEPEST = 64  # levels of nesting
LARGEST_EXPONENT = 308  # as a double has it (RFC 8259, section 6); jsonb writes an exponent out in digits
MOST_DIGITS = 262_144  # that exponents of one payload may be written out to

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_EXPONENT = re.compile(rb"[0-9][eE][+-]?([0-9]+)")
_BRACKET = re.compile(rb"[\[\]{}]")
# What begins with a letter is searched for ten times as fast as what begins with any of ten.
_SMALL_E, _LARGE_E = re.compile(rb"e[+-]?[0-9]").search, re.compile(rb"E[+-]?[0-9]").search


def payload_fault(text: bytes) -> str | None:
    """Why this JSON text can't be stored, or None. The text is known to be JSON, in UTF-8."""
    if b"\\u0000" in text and _NUL.search(text):
        return r"This holds \u0000, which can't be stored."
    if text.count(b"[") + text.count(b"{") > DEEPEST and _depth(text) > DEEPEST:
        return f"This is nested deeper than {DEEPEST} levels."
    if (_SMALL_E(text) or _LARGE_E(text)) and _EXPONENT.search(text):
        return _exponent_fault(_STRING.sub(b'""', text))
    return None


def _depth(text: bytes) -> int:
    level = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        if bracket in b"[{":
            level += 1
            deepest = max(deepest, level)
        else:
            level -= 1
    return deepest


def _exponent_fault(bare: bytes) -> str | None:
    written_out = 0
    for digits in _EXPONENT.findall(bare):
        if len(digits.lstrip(b"0")) > 3 or int(digits) > LARGEST_EXPONENT:
            return f"This holds a number with an exponent beyond {LARGEST_EXPONENT}."
        written_out += int(digits)
    if written_out > MOST_DIGITS:
        return "The exponents of its numbers, written out, would take more than an event may have."
    return None

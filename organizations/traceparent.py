"""`traceparent` (W3C Trace Context, level 2): which trace a call belongs to, and which span of it made the call."""

import re

LONGEST = 55  # characters, of the form that we keep

# What a version after 00 adds comes behind a further dash.
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED_AND_RANDOM = 0b11


def read_traceparent(given: str | None) -> str | None:
    """What was given, in the form of version 00; None when there is none, or none that is valid."""
    found = _FORM.fullmatch(given) if given else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not (trace_id.strip("0") and span_id.strip("0")):
        return None
    return f"00-{trace_id}-{span_id}-{int(flags, 16) & _SAMPLED_AND_RANDOM:02x}"


def trace_facts(traceparent: str | None) -> dict[str, str]:
    """What a line in the log tells of the trace, if there is one."""
    return {"trace_id": traceparent[3:35]} if traceparent else {}

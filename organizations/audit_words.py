"""What the audit log calls an action, for those who read it: `endpoint.url_changed` is "Endpoint URL changed"."""

_WHOLE = {
    "admin.login": "Logged in",
    "admin.login_failed": "Login failed",
    "retention.purged": "Old events removed",
    "second_factor.begun": "Second factor: setup begun",
}
_NOUNS = {
    "periodictask": "schedule",
    "intervalschedule": "interval",
    "crontabschedule": "crontab",
    "clockedschedule": "clock time",
    "solarschedule": "solar time",
}


def in_words(action: str) -> str:
    if action in _WHOLE:
        return _WHOLE[action]
    noun, _, verb = action.partition(".")
    words = f"{_NOUNS.get(noun, noun)} {verb}".replace("_", " ").replace("url", "URL").strip()
    return words[:1].upper() + words[1:]

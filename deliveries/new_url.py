"""Giving an endpoint another URL on the way of a replay: what died at the old one is sent to the new one."""

from deliveries.endpoints import change_endpoint
from deliveries.models import Endpoint
from organizations.audit import Actor, record
from organizations.audit_values import Secret, changes


def move_endpoint(endpoint: Endpoint, url: str, *, actor: Actor) -> bool:
    """In the transaction that is open. False when it has that URL already, or was changed or deleted meanwhile.

    What a 410 or days of failures said was about the URL before, so a disabled endpoint is enabled; a paused one stays
    paused. The URL is checked by the caller (`targets.check_target`), outside of any transaction.
    """
    locked = Endpoint.objects.present().select_for_update(of=("self",)).filter(pk=endpoint.pk).first()
    if locked is None or locked.url == url or locked.revision != endpoint.revision:
        return False
    before = _seen(locked)
    Endpoint.objects.filter(pk=locked.pk, state=Endpoint.State.DISABLED).resume()
    moved = change_endpoint(locked, {"url": url})
    was, now = changes(before, _seen(moved))
    record(actor, "endpoint.url_changed", row=moved, before=was, after=now)
    return True


def _seen(endpoint: Endpoint) -> dict[str, object]:
    """The query of a URL may hold a token."""
    url, _, query = endpoint.url.partition("?")
    return {"url": url, "query": Secret(query), "state": endpoint.state}

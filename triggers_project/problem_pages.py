"""What each problem code means and what to do about it: the text behind `/problems/<code>`."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render


@dataclass(frozen=True)
class Page:
    """`title` is the problem's short name, `what` says what happened, `todo` what the caller can do."""

    title: str
    what: str
    todo: str


PAGES = {
    "bad_request": Page(
        "Bad request",
        "The request could not be read: its host name, path or headers are not valid.",
        "Check the address. An operator adds host names with ALLOWED_HOSTS.",
    ),
    "malformed_body": Page(
        "The body is not JSON",
        "The body is empty, is not JSON (RFC 8259), or is not UTF-8.",
        "Send one JSON object. NaN, Infinity, comments and trailing commas are not JSON. Calls whose fields are all "
        "optional take nothing for {}; calls without fields (pause, resume, cancel, ack of one event, retry of one "
        "delivery, DELETE) ignore any body.",
    ),
    "unauthorized": Page(
        "No valid API key",
        "The call carries no API key that is valid now. Missing, unknown, expired and revoked keys look the same.",
        "Send the key in the X-API-Key header, or as Authorization: Bearer. If it was rotated, use the new one.",
    ),
    "missing_scope": Page(
        "The key lacks a scope",
        "The API key is valid, but was not made for this call, or to hand out a scope that it does not have itself.",
        "Use a key with the scope that the detail names; a key that has it can make one with POST /api/keys.",
    ),
    "signup_closed": Page(
        "Sign-up is closed",
        "On this server only staff make new organizations.",
        "Ask the operator for an API key.",
    ),
    "not_found": Page(
        "Not found",
        "There is no such thing, or it belongs to another organization.",
        "Check the id, and that the API key is of the organization that owns it.",
    ),
    "no_endpoint": Page(
        "No endpoint",
        "The organization has no webhook endpoint, and has not asked for the inbox only.",
        'Set one with POST /api/webhook/config {"webhook_url": "https://…"}; null instead of a URL means inbox only.',
    ),
    "method_not_allowed": Page(
        "Method not allowed",
        "This address exists, but not for this method.",
        "The Allow header names the methods that it takes.",
    ),
    "not_acceptable": Page(
        "Not acceptable",
        "The API answers in JSON only.",
        "Send Accept: application/json, or no Accept header.",
    ),
    "duplicate_event": Page(
        "Duplicate event",
        "An event with this dedup_id was accepted within the last 24 hours; event_id names it.",
        "Nothing: the first one is being delivered. Use another dedup_id if it is another event.",
    ),
    "idempotency_mismatch": Page(
        "Another body under the same Idempotency-Key",
        "This Idempotency-Key was used within the last 24 hours for another call or with another body.",
        "Use a new key for each different call; send the very same body to get the first answer again.",
    ),
    "idempotency_in_flight": Page(
        "The first call is not done yet",
        "A call with this Idempotency-Key is being worked on.",
        "Wait a moment and send the same again: you will get the first call's answer.",
    ),
    "too_many_endpoints": Page(
        "Too many endpoints",
        "The organization has as many endpoints as this server allows.",
        "Delete one that is no longer used. An operator can allow more with ENDPOINTS_PER_ORGANIZATION.",
    ),
    "too_many_keys": Page(
        "Too many keys",
        "The organization has as many valid API keys as this server allows.",
        "Delete one that is no longer used, or rotate without grace. "
        "An operator can allow more with KEYS_PER_ORGANIZATION.",
    ),
    "last_key": Page(
        "The last key can't be deleted",
        "Without a valid key the organization could never make another.",
        "Make a new key first (POST /api/keys), or rotate this one (POST /api/keys/rotate).",
    ),
    "request_timeout": Page(
        "The body took too long",
        "The whole body was not there 30 seconds after its request.",
        "Send the body together with the request. If the line is slow, send smaller batches.",
    ),
    "payload_too_large": Page(
        "The body is too large",
        "An event may have 262,144 bytes, a batch 8 MiB, any other body 64 KiB.",
        "Send less: split the batch, or put the large part elsewhere and send its address.",
    ),
    "unsupported_media_type": Page(
        "The body is not declared as JSON",
        "The Content-Type header is missing or is not application/json.",
        "Send Content-Type: application/json.",
    ),
    "invalid_body": Page(
        "The body does not fit",
        "It is JSON, but a field is missing, has the wrong type, or holds what can't be stored. Nothing was changed.",
        "Each entry of errors points at a field (RFC 6901) and says what is wrong there.",
    ),
    "invalid_query": Page(
        "A query parameter does not fit",
        "A parameter of the address has a value that can't be used.",
        "Each entry of errors names the parameter and says what it takes.",
    ),
    "search_too_broad": Page(
        "The search is too broad",
        "Too many events were looked at, and after some seconds the search was given up.",
        "Ask for more of the payload, or name a type or a time (since, until) as well.",
    ),
    "invalid_header": Page(
        "A header does not fit",
        "A request header has a value that can't be used.",
        "Each entry of errors names the header and says what it takes.",
    ),
    "forbidden_target": Page(
        "The webhook URL is not allowed",
        "Webhooks go to public http(s) addresses only: no user name, no fragment, no private or reserved network.",
        "Use a public address. An operator can allow private networks with ALLOWED_PRIVATE_NETWORKS.",
    ),
    "rate_limited": Page(
        "Over the limit",
        "More events came in within 60 seconds than the organization's tier allows. Nothing was stored.",
        "Wait the number of seconds in Retry-After and send again, or ask for a higher tier.",
    ),
    "internal_error": Page(
        "Something broke here",
        "This is our mistake, and it is in our log under the request id.",
        "Try again; with a dedup_id that is always safe. If it stays, tell the operator the request id.",
    ),
    "secret_unreadable": Page(
        "The signing secret can't be read",
        "This server lacks the key that the endpoint's signing secret was encrypted with. Nothing is sent to it.",
        "Set a new secret (POST /api/endpoints/{id}/rotate-secret), and give it to the receiver; or tell the operator, "
        "who puts the missing key back into FIELD_ENCRYPTION_KEYS. What was given up can be replayed then.",
    ),
    "unavailable": Page(
        "A needed part is down",
        "The database can't be reached just now. Nothing was stored.",
        "Wait the number of seconds in Retry-After and send again; with a dedup_id that is always safe.",
    ),
}


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """`/problems/<code>` for people who followed a problem's `type`."""
    if code not in PAGES:
        raise Http404
    return render(request, "problems/problem.html", {"code": code, "page": PAGES[code]})


def problem_index(request: HttpRequest) -> HttpResponse:
    return render(request, "problems/index.html", {"pages": sorted(PAGES.items())})

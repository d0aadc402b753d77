"""The API's routes, walked from the URL configuration, so that a test of all of them can't forget a new one."""

from typing import NamedTuple

from django.urls import get_resolver

OPEN_TO_ALL = ("api/keys/generate", "api/schema", "api/docs")


class Route(NamedTuple):
    """`template` is such as `/api/events/{event_id}`, `names` what it takes: `("event_id",)`."""

    method: str
    template: str
    names: tuple[str, ...]
    scope: str | None

    def path(self, **values: object) -> str:
        return self.template.format(**values)


def api_routes() -> list[Route]:
    """Every method of every view under /api/ that needs a key."""
    found = []
    for pattern in get_resolver().url_patterns:
        route = str(pattern.pattern)
        if not route.startswith("api/") or route in OPEN_TO_ALL:
            continue
        view = pattern.callback.cls
        names = tuple(pattern.pattern.converters)
        template = "/" + route
        for name, converter in pattern.pattern.converters.items():
            assert type(converter).__name__ == "UUIDConverter"
            template = template.replace(f"<uuid:{name}>", f"{{{name}}}")
        methods = [
            method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(view, method.lower())
        ]
        found += [Route(method, template, names, view.scopes.get(method)) for method in methods]
    return found


def label(route: Route) -> str:
    return f"{route.method} {route.template}"

"""One fact a line: JSON, or coloured text on a terminal, with what is bound to it (request, tenant, event, delivery).

Our own code says `log.info("delivery.settled", delivery_id=...)` through structlog, straight to stderr: a line costs
about 10 µs, a tenth of what it costs through the standard library's handlers. Django's and Celery's records go through
the standard library and come out in the same form.
"""

import logging.config
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from organizations.lines import Stderr

REPLICAS_POOL = "replica"
_encoder = msgspec.json.Encoder(enc_hook=str)


def _json(_logger: WrappedLogger, _method: str, fact: EventDict) -> str:
    return _encoder.encode(fact).decode()


def _event_first(_logger: WrappedLogger, _method: str, fact: EventDict) -> EventDict:
    event = fact.pop("event", "")
    return {"time": fact.pop("time", None), "level": fact.pop("level", None), "event": str(event), **fact}


def _whole_line(logger: WrappedLogger, method: str, fact: EventDict) -> str:
    """What `_bound` and `_rendered("json")` make of a fact, in one step: two lines of each accepted event are a tenth
    of what accepting costs the web, and most of that was going from step to step."""
    fact = structlog.contextvars.merge_contextvars(logger, method, fact)
    if "exc_info" in fact:
        fact = structlog.processors.format_exc_info(logger, method, fact)
    fact = structlog.processors.add_log_level(logger, method, fact)
    fact["time"] = datetime.now(UTC)
    return _encoder.encode(_event_first(logger, method, fact)).decode()


def _bound() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]


def _rendered(form: str) -> list[Processor]:
    if form == "json":
        return [structlog.processors.format_exc_info, _event_first, _json]
    return [structlog.dev.ConsoleRenderer(timestamp_key="time", pad_event_to=24)]


def _is_not_of_the_replica(record: logging.LogRecord) -> bool:
    """What its pool says of each attempt to connect: `replica.left_out` has said it."""
    return REPLICAS_POOL not in (record.args or ())


def logging_config(*, level: str, form: str) -> dict[str, Any]:
    """The LOGGING setting. `form` is `json` or `console`."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(form)],
        # Of what others add to a record only this: Django adds the request, which shows its whole query.
        "foreign_pre_chain": [
            *_bound(),
            structlog.stdlib.ExtraAdder(allow=["status_code"]),
            structlog.stdlib.add_logger_name,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"facts": formatter},
        "filters": {"one line is enough": {"()": lambda: _is_not_of_the_replica}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "facts", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Our own request line says it once, with ids; of Django's only the tracebacks behind a 500 are wanted.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "aiohttp": {"level": "ERROR"},
            "psycopg.pool": {"filters": ["one line is enough"]},
            # Each export that fails would have several lines: `organizations/tracing.py` says it once.
            "opentelemetry": {"level": "CRITICAL"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook."""
    logging.config.dictConfig(config)
    logging.captureWarnings(not sys.warnoptions)
    form = "json" if _json in config["formatters"]["facts"]["processors"] else "console"
    level = logging.getLevelNamesMapping()[config["root"]["level"]]
    structlog.configure(
        processors=[_whole_line] if form == "json" else [*_bound(), *_rendered(form)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_StderrLoggers(),
        cache_logger_on_first_use=True,
    )


class _StderrLoggers:
    def __call__(self, *_: Any) -> Stderr:
        return Stderr()

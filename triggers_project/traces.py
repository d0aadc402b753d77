"""Whether there are traces: when OpenTelemetry's variables name a collector. The SDK reads them itself, and would only
complain in the log of what it can't use; here a bad value stops the start, as with every other variable."""

import os
from importlib.util import find_spec

from triggers_project.environment import BadEnvironment, Environment

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
SECRETS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
SAMPLER = "OTEL_TRACES_SAMPLER"
SAMPLERS = ["always_on", "always_off", "traceidratio"]
SAMPLERS += [f"parentbased_{name}" for name in SAMPLERS]


def traces_wanted(env: Environment) -> bool:
    """BadEnvironment when they are, but can't be had."""
    endpoints = [env.url(name, ("http", "https"), default=str) for name in ENDPOINTS]
    if not any(endpoints) or env.boolean("OTEL_SDK_DISABLED", default=False):
        return False
    for name in PROTOCOLS:
        env.choice(name, "http/protobuf", ["http/protobuf"])
    env.choice(SAMPLER, SAMPLERS[-3], SAMPLERS)
    env.number(f"{SAMPLER}_ARG", 1.0, least=0.0, most=1.0)
    if find_spec("opentelemetry") is None:
        raise BadEnvironment(
            f"{ENDPOINTS[0]} is set, but the extra for traces is not installed: install requirements/traces.txt "
            "(pip install 'triggers[traces]'), or unset it"
        )
    for name in (*ENDPOINTS, *SECRETS):  # the SDK knows nothing of NAME_FILE
        if value := env.text(name):
            os.environ[name] = value
            os.environ.pop(f"{name}_FILE", None)  # a child that reads the settings again would find both
    return True

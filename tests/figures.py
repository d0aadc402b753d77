"""What Prometheus would see."""

from collections.abc import Callable

from prometheus_client import REGISTRY


def growth(name: str, call: Callable[[], object], **labels: str) -> float:
    """By how much the figure grew while the call ran."""
    before = REGISTRY.get_sample_value(name, labels) or 0.0
    call()
    return (REGISTRY.get_sample_value(name, labels) or 0.0) - before

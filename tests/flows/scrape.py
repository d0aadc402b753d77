"""What a running system serves to Prometheus."""

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.flows.journey import session
from triggers_project.local.stack import Stack

Scraped = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(stack: Stack) -> list[Metric]:
    with session() as http:
        answer = http.get(stack.metrics_url, timeout=30)
    assert answer.status_code == 200
    return list(text_string_to_metric_families(answer.text))


def scrape(stack: Stack) -> Scraped:
    """One scrape: (name, labels) -> value."""
    samples = [sample for family in families(stack) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def figure(scraped: Scraped, name: str, **labels: str) -> float:
    """The sum over all samples of that name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (found, has), value in scraped.items() if found == name and wanted <= has)

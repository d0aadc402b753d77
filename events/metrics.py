"""What is counted here, for Prometheus."""

from prometheus_client import Counter

events_accepted = Counter("triggers_events_accepted_total", "Events stored.", ["tier"])
events_duplicate = Counter("triggers_events_duplicate_total", "Events refused as duplicates.")
events_rejected = Counter("triggers_events_rejected_total", "Events refused for another reason.", ["reason"])

"""What Prometheus scrapes: the counts of all processes of a machine, and how things stand."""

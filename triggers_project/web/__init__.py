"""What granian serves: a fast lane for the calls that accept events, and Django for everything else."""

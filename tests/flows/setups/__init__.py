"""Set-ups that the flow tests may run on: each module's one context manager starts servers in a folder, and yields the
variables of a system that is to use them."""

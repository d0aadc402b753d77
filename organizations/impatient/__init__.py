"""PostgreSQL as Django's engine, for a server that can be done without: who asks it waits for seconds at most."""

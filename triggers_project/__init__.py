"""The frame: settings, routes, Celery, logs, health, errors over HTTP. Nothing of the trade."""

"""Where Django looks for an engine. With a pool it is the pool that makes connections: `connection_class`."""

from typing import Any

from django.utils.asyncio import async_unsafe
from django_prometheus.db.backends.postgresql import base
from psycopg import IsolationLevel

from organizations.impatient.connection import Impatient


class DatabaseWrapper(base.DatabaseWrapper):
    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.pool:
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return Impatient.connect(**conn_params)

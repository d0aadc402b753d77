"""Whether all processes of the web accept again. `/health/ready` is the answer of one; another may not have found back
yet to a database that was taken away, and would answer 503 once more."""

import psycopg

from tests.flows.journey import session, until
from triggers_project.local.stack import Stack

IN_A_ROW = 16  # each over a connection of its own, which goes to one of two processes


class Prober:
    """A tenant whose events wait in its inbox, and are sent nowhere."""

    def __init__(self, stack: Stack) -> None:
        self.url = stack.url
        with session() as http:
            made = http.post(f"{stack.url}/api/keys/generate", json={"organization_name": "Prober"}).json()
        self.key = made["api_key"]
        with psycopg.connect(stack.database_url, autocommit=True) as database:
            database.execute(
                "UPDATE organizations_organization SET tier = 'enterprise', inbox_only = true WHERE id = %s",
                [made["organization"]["id"]],
            )

    def wait(self, timeout: float = 60) -> None:
        """Until so many in a row are accepted."""
        until(self._all_accepted, timeout=timeout, what=f"{IN_A_ROW} events accepted in a row")

    def _all_accepted(self) -> bool:
        return all(self._accepted() for _ in range(IN_A_ROW))

    def _accepted(self) -> bool:
        event = {"type": "flow.probe", "payload": {}}
        with session() as http:
            return http.post(f"{self.url}/api/events", json=event, headers={"X-API-Key": self.key}).ok

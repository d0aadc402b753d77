"""A Valkey and a replica, watched by three Sentinels: when the primary is lost, the replica takes over."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.flows.journey import until
from tests.flows.setups.valkeys import HOST, IN_MEMORY, PASSWORD, QUOTED, client, free_ports, valkey

SERVICE = "triggers-test"
DOWN_AFTER = 1000  # ms


@dataclass(frozen=True)
class Watched:
    """The servers by their ports."""

    servers: dict[int, subprocess.Popen[bytes]]
    sentinels: tuple[int, ...]

    @property
    def environ(self) -> dict[str, str]:
        hosts = ",".join(f"{HOST}:{port}" for port in self.sentinels)
        return {"REDIS_URL": f"sentinel://:{QUOTED}@{hosts}/{SERVICE}/0?sentinel_password={QUOTED}"}

    def primary(self) -> int:
        """Its port, as a Sentinel has it."""
        return int(client(self.sentinels[0]).sentinel_masters()[SERVICE]["port"])

    def is_whole(self) -> bool:
        """Whether each Sentinel knows the others and the replica."""
        states = [client(port).sentinel_masters()[SERVICE] for port in self.sentinels]
        known = [(state["num-other-sentinels"], state["num-slaves"]) for state in states]
        return known == [(len(self.sentinels) - 1, len(self.servers) - 1)] * len(self.sentinels)

    def kill_primary(self) -> None:
        """`kill -9`; it stays away."""
        process = self.servers[self.primary()]
        process.kill()
        process.wait(10)


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """They answer; they are whole two seconds later, when the Sentinels have told each other of themselves."""
    first, second, *sentinels = free_ports(5)
    with ExitStack() as held:

        def server(port: int, *settings: str) -> subprocess.Popen[bytes]:
            return held.enter_context(valkey(folder / f"valkey-{port}", port, *IN_MEMORY, *settings))

        # The replica is sent what it lacks at once; by default the primary waits 5 s for others.
        at_once = "repl-diskless-sync-delay 0"
        servers = {
            first: server(first, at_once),
            second: server(second, at_once, f"replicaof {HOST} {first}"),
        }
        until(
            lambda: client(first).info("replication")["connected_slaves"] == 1, timeout=20, what="the replica"
        )
        for port in sentinels:
            held.enter_context(valkey(folder / f"sentinel-{port}", port, *_watching(first), sentinel=True))
        yield Watched(servers, tuple(sentinels))


def _watching(primary: int) -> list[str]:
    return [
        f'requirepass "{PASSWORD}"',
        f'sentinel sentinel-pass "{PASSWORD}"',
        f"sentinel monitor {SERVICE} {HOST} {primary} 2",
        f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}",
        f"sentinel failover-timeout {SERVICE} 5000",
    ]


@contextmanager
def setup(data_dir: Path) -> Iterator[dict[str, str]]:
    with watched(data_dir / "sentinel") as found:
        yield found.environ

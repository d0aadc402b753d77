"""A Valkey Cluster of three primaries with a replica each, for limits and heartbeats; and a Valkey for the messages."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.flows.journey import until
from tests.flows.setups.valkeys import HOST, IN_MEMORY, QUOTED, client, free_ports, valkey

SLOTS = 16384
PRIMARIES = 3


@dataclass(frozen=True)
class Cluster:
    """The servers by their ports."""

    servers: dict[int, subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"cluster://:{QUOTED}@" + ",".join(f"{HOST}:{port}" for port in self.servers)

    def alive(self) -> list[int]:
        return [port for port, process in self.servers.items() if process.poll() is None]

    def is_whole(self) -> bool:
        """Whether each of those that live says so."""
        return all(client(port).cluster("INFO")["cluster_state"] == "ok" for port in self.alive())

    def primary_of(self, key: str) -> int:
        """The port of who has the key."""
        server = client(self.alive()[0])
        slot = server.cluster("KEYSLOT", key)
        shares = server.cluster("SLOTS")
        return next(primary[1] for first, last, primary, *_ in shares if first <= slot <= last)

    def kill(self, port: int) -> None:
        """`kill -9`; it stays away."""
        self.servers[port].kill()
        self.servers[port].wait(10)


@contextmanager
def clustered(folder: Path, *, replicas: bool) -> Iterator[Cluster]:
    count = 2 * PRIMARIES if replicas else PRIMARIES
    ports = free_ports(2 * count)
    with ExitStack() as held:
        buses = dict(zip(ports[:count], ports[count:], strict=True))
        servers = {
            port: held.enter_context(valkey(folder / f"valkey-{port}", port, *IN_MEMORY, *_of_cluster(bus)))
            for port, bus in buses.items()
        }
        _introduce(buses)
        found = Cluster(servers)
        until(found.is_whole, timeout=30, what="the cluster is whole")
        yield found


def _of_cluster(bus: int) -> list[str]:
    return [
        "cluster-enabled yes",
        "cluster-node-timeout 1000",
        f"cluster-port {bus}",
        "cluster-allow-replica-migration no",
        "repl-diskless-sync-delay 0",
    ]


def _introduce(buses: dict[int, int]) -> None:
    """The first three share the slots; each further one follows one of them."""
    ports = list(buses)
    names = [client(port).execute_command("CLUSTER MYID").decode() for port in ports]
    for number, port in enumerate(ports):
        server = client(port)
        server.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        server.execute_command("CLUSTER MEET", HOST, ports[0], buses[ports[0]])
        if number < PRIMARIES:
            first, last = SLOTS * number // PRIMARIES, SLOTS * (number + 1) // PRIMARIES - 1
            server.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
    for port, primary in zip(ports[PRIMARIES:], names, strict=False):
        until(lambda: _knows(port, primary), timeout=20, what="the nodes know each other")  # noqa: B023
        client(port).execute_command("CLUSTER REPLICATE", primary)


def _knows(port: int, name: str) -> bool:
    return name in {node["node_id"] for node in client(port).cluster("NODES").values()}


@contextmanager
def setup(data_dir: Path) -> Iterator[dict[str, str]]:
    (port,) = free_ports(1)
    broker = valkey(data_dir / "broker", port, *IN_MEMORY)
    with broker, clustered(data_dir / "cluster", replicas=True) as found:
        yield {"REDIS_URL": found.url, "BROKER_URL": f"redis://:{QUOTED}@{HOST}:{port}/0"}

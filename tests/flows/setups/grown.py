"""All that PostgreSQL can grow by, at once: PgBouncer, talked to over TLS, before the primary and before a replica."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.flows.setups.certificates import Certificates, make_certificates
from tests.flows.setups.pgbouncer import behind, give_to, pgbouncer, program_path
from tests.flows.setups.replica import replica
from triggers_project.local import account
from triggers_project.local.embedded import DATABASE, socket_dir

STACK_STARTS = ("postgres",)


@contextmanager
def setup(data_dir: Path) -> Iterator[dict[str, str]]:
    program_path()
    certificates = make_certificates(data_dir.with_name("certificates"))
    give_to(account.server_account().pw_name if account.we_are_root() else None, certificates.folder)
    with replica(data_dir) as sockets:
        databases = {DATABASE: behind(socket_dir(data_dir)), "replica": behind(sockets)}
        with pgbouncer(data_dir, databases, only_tls(certificates)) as address:
            safely = f"sslmode=verify-full&sslrootcert={certificates.authority}"
            yield {
                "DATABASE_URL": f"postgresql://{address}/{DATABASE}?{safely}",
                "DATABASE_REPLICA_URL": f"postgresql://{address}/replica?{safely}",
                "DATABASE_POOLER": "true",
            }


def only_tls(certificates: Certificates) -> dict[str, str]:
    return {
        "client_tls_sslmode": "require",
        "client_tls_cert_file": str(certificates.chain),
        "client_tls_key_file": str(certificates.key),
    }

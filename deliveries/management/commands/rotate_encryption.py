"""`manage.py rotate_encryption`"""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from tqdm import tqdm

from deliveries.models import Endpoint, EndpointSecret
from organizations.encryption import under_current_key
from organizations.models import SecondFactor


class Command(BaseCommand):
    help = (
        "Encrypts secrets and headers of endpoints, and second factors, with the first of FIELD_ENCRYPTION_KEYS;"
        " then the others can be dropped."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        secrets = self._renew(EndpointSecret.objects.all(), "encrypted", "secret")
        secrets += self._renew(SecondFactor.objects.all(), "encrypted_secret", "second factor of user")
        with_headers = Endpoint.objects.exclude(encrypted_headers="")
        headers = self._renew(with_headers, "encrypted_headers", "headers of endpoint")
        self.stdout.write(
            f"{secrets} secrets and the headers of {headers} endpoints are under the current key."
        )

    def _renew(self, rows: QuerySet[Any], column: str, what: str) -> int:
        changed = 0
        for row in tqdm(rows.order_by("pk").iterator(), total=rows.count(), unit=" rows", file=self.stderr):
            encrypted = getattr(row, column)
            try:
                fresh = under_current_key(encrypted)
            except InvalidToken:
                raise CommandError(
                    f"The {what} {row.pk} was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS. "
                    f"Add that key and run this again; {changed} were changed, the rest are as they were."
                ) from None
            # Not when it was replaced meanwhile: the new one is under the current key already.
            changed += rows.filter(pk=row.pk, **{column: encrypted}).update(**{column: fresh})
        return changed

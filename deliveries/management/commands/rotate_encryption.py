"""`manage.py rotate_encryption`"""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from deliveries.models import EndpointSecret
from organizations.encryption import under_current_key


class Command(BaseCommand):
    help = "Encrypts every endpoint secret with the first of FIELD_ENCRYPTION_KEYS; the others can then be dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        secrets = EndpointSecret.objects.order_by("pk")
        changed = 0
        for secret in tqdm(secrets.iterator(), total=secrets.count(), unit=" secrets", file=self.stderr):
            try:
                fresh = under_current_key(secret.encrypted)
            except InvalidToken:
                raise CommandError(
                    f"Secret {secret.pk} was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS. "
                    f"Add that key and run this again; {changed} were changed, the rest are as they were."
                ) from None
            # Not when it was replaced meanwhile: the new one is under the current key already.
            changed += EndpointSecret.objects.filter(pk=secret.pk, encrypted=secret.encrypted).update(
                encrypted=fresh
            )
        self.stdout.write(f"{changed} secrets are under the current key.")

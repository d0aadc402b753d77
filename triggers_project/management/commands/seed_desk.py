"""`manage.py seed_desk`: what `make up` creates on a first start."""

import json
import secrets
import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from deliveries.endpoints import configure_default
from organizations.keys import generate_key
from organizations.models import Organization
from organizations.tiers import Tier

DEMO_TENANT = "Demo"
NOBODY = uuid.UUID(int=0)


class Command(BaseCommand):
    help = "Makes the admin user and the demo tenant of a desk, once; prints one line of JSON that says how to get in."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--receiver-url", required=True, help="where the demo tenant's events go")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA_DIR / "desk.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        with transaction.atomic():
            known = {**known, **ensure_admin(known), **ensure_demo_tenant(known, options["receiver_url"])}
            path.touch(mode=0o600)
            path.write_text(json.dumps(known))
        self.stdout.write(json.dumps(known))


def ensure_admin(known: dict[str, str]) -> dict[str, str]:
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return {}
    password = secrets.token_urlsafe(12)
    users.create_superuser("admin", password=password)
    return {"admin_user": "admin", "admin_password": password}


def ensure_demo_tenant(known: dict[str, str], receiver_url: str) -> dict[str, str]:
    """The tenant whose webhooks go to the desk's own receiver; its URL follows when the receiver's port changes."""
    organization = Organization.objects.filter(pk=known.get("organization_id", NOBODY)).first()
    if organization is None:
        if Organization.objects.exists():
            return {}
        organization = Organization.objects.create(name=DEMO_TENANT, tier=Tier.PRO)
        text, _ = generate_key(organization)
        _, secret = configure_default(organization, url=receiver_url)
        return {
            "organization_id": str(organization.pk),
            "api_key": text,
            "webhook_secret": secret,
            "receiver_url": receiver_url,
        }
    if known["receiver_url"] != receiver_url:
        configure_default(organization, url=receiver_url)
    return {"receiver_url": receiver_url}

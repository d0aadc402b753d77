"""`manage.py create_staff NAME --role support|operator|owner [--email ADDRESS] [--ask-password]`"""

import getpass
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from organizations.audit import Actor, record
from organizations.roles import ROLES

BY_COMMAND = Actor(None, "manage.py create_staff")


class Command(BaseCommand):
    help = "Makes an account for the admin with one of the three roles, and prints its password once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the person logs in with")
        parser.add_argument("--role", required=True, choices=[role.lower() for role in ROLES])
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--ask-password", action="store_true", help="type the password instead of having one made"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["role"].capitalize()
        user = User(username=options["name"], email=options["email"], is_staff=True)
        check(user)
        password = asked_for(user) if options["ask_password"] else secrets.token_urlsafe(18)
        user.set_password(password)
        with transaction.atomic():
            user.save()
            user.groups.add(found(role))
            record(BY_COMMAND, "user.added", row=user, after={"username": user.username, "groups": [role]})
        self.stdout.write(f"{user.username} may log in at /admin/ as {role}.")
        if not options["ask_password"]:
            self.stdout.write(f"Password, shown this once: {password}")


def check(user: User) -> None:
    """CommandError in one line, whatever is wrong with the name or the address."""
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        faults = [
            f"{'--email' if field == 'email' else 'NAME'}: {text}"
            for field, texts in error.message_dict.items()
            for text in texts
        ]
        raise CommandError(" ".join(faults)) from None


def found(role: str) -> Group:
    group = Group.objects.filter(name=role).first()
    if group is None:
        raise CommandError("The roles are missing: run manage.py migrate first.")
    return group


def asked_for(user: User) -> str:
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise CommandError("The two were not the same; nothing was made.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password

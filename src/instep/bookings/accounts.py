"""The account of a home, and the people who sign in to it."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction

from instep.core.errors import InputError
from instep.store.models import Account, User

_FIRST_ACCOUNT_LOCK = 0x1459

#: The code of the error for a second first owner.
TAKEN = "TAKEN"


def ensure_account(name: str = "") -> Account:
    """The account of this home, made on first use; safe from several processes at once."""
    existing = Account.objects.order_by("id").first()
    if existing is not None:
        return existing
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_ACCOUNT_LOCK])
        return Account.objects.order_by("id").first() or Account.objects.create(name=name or "My account")


def has_users() -> bool:
    """Whether anybody can sign in to this home."""
    return User.objects.exists()


def create_owner(name: str, email: str, password: str, account_name: str) -> User:
    """Make the first user, the Account Owner, and name the account.

    Of several at once one wins; the others, and all later ones, get `InputError` with the code TAKEN. Raises
    `InputError` for an address or password that cannot be used.
    """
    account = ensure_account()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_ACCOUNT_LOCK])
        if has_users():
            raise InputError(
                "This installation has an owner already.", cure="Sign in, or ask the owner.", code=TAKEN
            )
        owner = _create_user(account, email, password, "owner", name)
        account.name = account_name.strip()
        account.save(update_fields=["name"])
    return owner


def create_admin(account: Account, email: str, password: str) -> User:
    """Make an administrator. Raises `InputError` for an address or password that cannot be used."""
    return _create_user(account, email, password, "admin")


def _create_user(account: Account, email: str, password: str, role: str, name: str = "") -> User:
    try:
        validate_email(email.strip())
        password_validation.validate_password(password, User(email=email, name=name, account=account))
    except ValidationError as error:
        raise InputError(f"The user {email} was not made: {' '.join(error.messages)}", code="USER") from None
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, account, role, name.strip())
    except IntegrityError:
        raise InputError(
            f"A user with the address {email} exists already.", cure="Sign in with it.", code="USER_EXISTS"
        ) from None


def set_password(account: Account, email: str, password: str) -> User:
    """Give the administrator with that address a new password; makes the administrator on first use."""
    found = User.objects.filter(account=account, email__iexact=email.strip()).first()
    if found is None:
        return create_admin(account, email, password)
    found.set_password(password)
    found.save(update_fields=["password"])
    return found


def forget_second_factor(account: Account, email: str) -> bool:
    """Let somebody who lost phone and recovery codes sign in with the password alone; whether there was one."""
    removed, _ = Authenticator.objects.filter(
        user__account=account, user__email__iexact=email.strip()
    ).delete()
    return bool(removed)

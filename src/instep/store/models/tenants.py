"""Accounts, the people who sign in to them, and the addresses that sources post to."""

from __future__ import annotations

import secrets
from functools import partial

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower, Now

from instep.store.models.columns import tenant, text, unguessable


class Account(models.Model):
    """One tenant. A home has one; the tables are ready for more."""

    public_id = unguessable("ACC")
    name = text()
    #: key and certificate for sign-ins without a person: encrypted JSON
    signing_key = models.BinaryField(default=b"", db_default=b"")
    #: how often all signed links were revoked: a signature is for one number
    links_revoked = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "account"
        constraints = [models.UniqueConstraint(fields=["public_id"], name="account_public_id")]


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail without regard to case, and makes them with a hashed password."""

    def get_by_natural_key(self, email: str | None) -> User:
        """The user with that address in whatever spelling."""
        return self.get(email__iexact=(email or "").strip())

    def create_user(
        self, email: str, password: str | None, account: Account, role: str = "admin", name: str = ""
    ) -> User:
        """Make a user; a password of None cannot be signed in with."""
        user = self.model(email=email.strip().lower(), account=account, role=role, name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in, by e-mail address."""

    account = models.ForeignKey(Account, models.CASCADE, db_index=False)
    email = models.EmailField(max_length=254)
    name = text()
    role = models.TextField(default="admin", db_default="admin")
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "account_user"
        constraints = [
            # signing in knows no account yet, so that one address is one person everywhere
            models.UniqueConstraint(Lower("email"), name="account_user_email"),
        ]
        indexes = [models.Index(fields=["account", "id"], name="account_user_account")]


class WebhookEndpoint(models.Model):
    """An address that a source posts its events to, with the secret that it signs them with (encrypted)."""

    account = tenant()
    public_id = models.TextField(default=partial(secrets.token_urlsafe, 24), editable=False)
    source = models.TextField()
    secret = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "webhook_endpoint"
        constraints = [
            # the caller is a stranger: the account is learned from this id
            models.UniqueConstraint(fields=["public_id"], name="webhook_endpoint_public_id"),
        ]
        indexes = [models.Index(fields=["account", "source"], name="webhook_endpoint_source")]

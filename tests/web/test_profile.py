"""The profile: what a person changes about herself."""

from __future__ import annotations

from django.test import Client

from instep.store.models import User

from .conftest import PASSWORD

NEW = "four other plain words"


def test_name_is_saved_and_shown_in_the_menu(client: Client, reader: User) -> None:
    answer = client.post("/profile", {"name": "  Inês Castro "}, follow=True)
    assert "Your name is saved." in answer.content.decode()
    reader.refresh_from_db()
    assert reader.name == "Inês Castro"
    assert "<bdi>Inês Castro</bdi>" in client.get("/bookings").content.decode()


def test_new_password_keeps_this_browser_and_signs_out_the_others(client: Client, reader: User) -> None:
    other = Client()
    other.force_login(reader)
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    answer = client.post("/profile/password", form)
    assert answer["Location"] == "/profile"
    assert client.get("/bookings").status_code == 200
    assert other.get("/bookings").status_code == 302


def test_password_is_not_changed_without_the_old_one_or_to_a_weak_one(client: Client, reader: User) -> None:
    for form in (
        {"oldpassword": "wrong", "password1": NEW, "password2": NEW},
        {"oldpassword": PASSWORD, "password1": "short", "password2": "short"},
        {"oldpassword": PASSWORD, "password1": NEW, "password2": "something else entirely"},
    ):
        answer = client.post("/profile/password", form)
        assert b"field-error" in answer.content, form
        assert b'role="alert"' in answer.content
    reader.refresh_from_db()
    assert reader.check_password(PASSWORD)

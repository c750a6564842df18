"""Every address of this installation. The order of the pages is that of the navigation."""

from __future__ import annotations

from django.urls import include, path

from instep.web import (
    booking,
    bookings,
    design,
    plan,
    profile,
    receipt,
    set_aside,
    signin,
    welcome,
    zone,
)

urlpatterns = [
    path("", bookings.home, name="home"),
    path("bookings", bookings.bookings, name="bookings"),
    path("bookings/<int:key>", booking.booking, name="booking"),
    path("bookings/<int:key>/write-again", booking.write_again, name="write-again"),
    path("bookings/<int:key>/receipts", receipt.newest, name="receipts"),
    path("bookings/<int:key>/receipts/<int:receipt_id>", receipt.receipt, name="receipt"),
    path("bookings/<int:key>/plan", plan.plan, name="plan"),
    path("contacts", contacts.contacts, name="contacts"),
    path("contacts/<slug:contact_id>", contact.contact, name="contact"),
    path("contacts/<slug:contact_id>/edit", contact.change, name="contact-change"),
    path("contacts/<slug:contact_id>/write-again", contact.write_again, name="contact-write-again"),
    path("contacts/<slug:contact_id>/receipts/<int:receipt_id>", contact.receipt, name="contact-receipt"),
    path("set-aside", set_aside.set_aside, name="set-aside"),
    path("zone", zone.zone, name="zone"),
    path("design", design.design, name="design"),
    path("welcome", welcome.welcome, name="welcome"),
    path("first-steps", welcome.first_steps, name="first-steps"),
    path("profile", profile.profile, name="profile"),
    path("profile/password", profile.change_password, name="account_change_password"),
    path("profile/two-step", profile.two_step, name="mfa_index"),
    path("profile/two-step/activate", profile.activate, name="mfa_activate_totp"),
    path("profile/two-step/deactivate", profile.deactivate, name="mfa_deactivate_totp"),
    path("profile/two-step/codes", profile.recovery_codes, name="mfa_view_recovery_codes"),
    path("profile/two-step/codes/new", profile.new_recovery_codes, name="mfa_generate_recovery_codes"),
    path("profile/two-step/codes/file", profile.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("signin", signin.sign_in, name="account_login"),
    path("signin/code", signin.code, name="mfa_authenticate"),
    path("signin/confirm", signin.confirm, name="account_reauthenticate"),
    path("signin/confirm-code", signin.confirm_code, name="mfa_reauthenticate"),
    path("signin/inactive", signin.inactive, name="account_inactive"),
    path("signout", signin.sign_out, name="account_logout"),
    path("", include("instep.api.urls")),
]

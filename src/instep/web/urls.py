"""Every address of this installation. The order of the pages is that of the navigation."""

from __future__ import annotations

from django.urls import include, path

from instep.web import booking, bookings, design, plan, receipt, set_aside, signin, zone

urlpatterns = [
    path("", bookings.home, name="home"),
    path("bookings", bookings.bookings, name="bookings"),
    path("bookings/<int:key>", booking.booking, name="booking"),
    path("bookings/<int:key>/write-again", booking.write_again, name="write-again"),
    path("bookings/<int:key>/receipts", receipt.newest, name="receipts"),
    path("bookings/<int:key>/receipts/<int:receipt_id>", receipt.receipt, name="receipt"),
    path("bookings/<int:key>/plan", plan.plan, name="plan"),
    path("set-aside", set_aside.set_aside, name="set-aside"),
    path("zone", zone.zone, name="zone"),
    path("design", design.design, name="design"),
    path("signin", signin.sign_in, name="account_login"),
    path("signin/inactive", signin.inactive, name="account_inactive"),
    path("signout", signin.sign_out, name="account_logout"),
    path("", include("instep.api.urls")),
]

"""Every table of Instep. `account_id` is not null in each tenant's table and first in each of its indexes.

Tables carry the plain names that `queries.py` uses. `fact`, `transition` and `receipt` are only ever
added to. Partitioned tables (`transition`, `receipt`, `delivery`) are made by SQL in the migrations.
"""

from instep.store.models.bookings import (
    BookedTime,
    Booking,
    Calendar,
    CalendarHost,
    Contact,
    ContactFormerEmail,
    Fact,
    Host,
    HostMention,
    Property,
    ProvisionalBooking,
    SetAside,
)
from instep.store.models.columns import public_id
from instep.store.models.lanes import (
    Alert,
    Connection,
    CrmDescribe,
    CrmRecord,
    CrmUser,
    FieldQuarantine,
    HostUser,
    SyncItem,
    UnknownHost,
)
from instep.store.models.logs import Delivery, Receipt, Transition
from instep.store.models.tenants import Account, User, WebhookEndpoint

__all__ = [
    "Account",
    "Alert",
    "BookedTime",
    "Booking",
    "Calendar",
    "CalendarHost",
    "Connection",
    "Contact",
    "ContactFormerEmail",
    "CrmDescribe",
    "CrmRecord",
    "CrmUser",
    "Delivery",
    "Fact",
    "FieldQuarantine",
    "Host",
    "HostMention",
    "HostUser",
    "Property",
    "ProvisionalBooking",
    "Receipt",
    "SetAside",
    "SyncItem",
    "Transition",
    "UnknownHost",
    "User",
    "WebhookEndpoint",
    "public_id",
]

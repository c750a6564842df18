"""Reading from a real stand-in org: one call, every page, and never nothing where something failed."""

from __future__ import annotations

import json

import httpx2
import pytest

from crm_batches import StandIn, composed, event, lead, scripted
from instep.core.errors import Bug, InputError, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.core.lookup import Lookup, ObjectLookup
from instep.core.rules import Directory
from instep.crm.salesforce import SalesforceCrm

HOST = "greta.lindqvist@host.example"


def by_email(*emails: str, **more: tuple[str, ...]) -> ObjectLookup:
    return ObjectLookup("Lead", ("LastName", "Email"), {"Email": emails, **more})


def test_a_batch_of_everything_is_one_call(standin: StandIn, crm: SalesforceCrm) -> None:
    crm.apply([w for n in range(3) for w in (lead(n), event(n, f"lead{n}"))])
    crm.calls.clear()
    seen = crm.observe(
        Lookup(
            (
                by_email("guest0@guest.example", "GUEST1@guest.example", Instep_Contact_Id__c=("C-2",)),
                ObjectLookup("Contact", ("Email",), {"Email": ("guest0@guest.example",)}),
                ObjectLookup("Account", ("Name",), {"Name": ("Acme",)}),
                ObjectLookup("Event", ("Subject", "WhoId"), {"Instep_Booking_Id__c": ("B-0",)}, {}, True),
            ),
            users=(HOST.upper(), "nobody@host.example"),
        )
    )
    assert {r.get("LastName") for r in seen.of("Lead")} == {"Guest 0", "Guest 1", "Guest 2"}
    (meeting,) = seen.of("Event")
    assert meeting.get("WhoId") in {r.id for r in seen.of("Lead")}
    assert seen.of("Contact") == seen.of("Account") == ()
    (user,) = seen.users
    assert (user.email, user.username) == (HOST.upper(), "greta.lindqvist@acme.example")
    assert len(crm.calls) == 1


def test_each_record_comes_once_however_it_was_found(crm: SalesforceCrm) -> None:
    made = crm.apply([lead(1)]).results["lead1"].id
    asked = by_email("guest1@guest.example", Instep_Contact_Id__c=("C-1",), Id=(made, made[:15]))
    assert [r.id for r in crm.observe(Lookup((asked,))).records] == [made]


def test_a_converted_lead_brings_its_contact(standin: StandIn, crm: SalesforceCrm) -> None:
    made = crm.apply([lead(1)]).results["lead1"].id
    standin.admin("POST", "convert-lead", {"leadId": made})
    asked = ObjectLookup(
        "Lead",
        ("IsConverted", "ConvertedContactId"),
        {"Id": (made,)},
        {"ConvertedContact": ("LastName", "Email")},
    )
    (record,) = crm.observe(Lookup((asked,))).records
    contact = record.followed["ConvertedContact"]
    assert contact.object == "Contact"
    assert contact.id == record.get("ConvertedContactId")
    assert contact.get("Email") == "guest1@guest.example"
    assert "ConvertedContact" not in record.fields


def test_deleted_events_are_seen_where_they_are_asked_for(standin: StandIn, crm: SalesforceCrm) -> None:
    made = crm.apply([event(1)]).results["event1"].id
    standin.admin("DELETE", "records", {"object": "Event", "id": made})
    asked = ObjectLookup("Event", ("Subject",), {"Id": (made,)}, include_deleted=True)
    (record,) = crm.observe(Lookup((asked,))).records
    assert record.deleted
    assert crm.observe(Lookup((ObjectLookup("Event", ("Subject",), {"Id": (made,)}),))).records == ()


def test_every_page_is_read_and_counted(standin: StandIn, crm: SalesforceCrm) -> None:
    for start in range(0, 2_100, 1_000):
        crm.apply([lead(n, Title="same") for n in range(start, min(start + 1_000, 2_100))])
    crm.calls.clear()
    seen = crm.observe(Lookup((ObjectLookup("Lead", ("LastName",), {"Title": ("same",)}),)))
    assert len({r.id for r in seen.records}) == 2_100
    assert len(crm.calls) == 2


@pytest.mark.parametrize(
    "text",
    [
        "O'Brien@guest.example",
        "x' OR Name LIKE '%",
        "back\\slash",
        'quo"te',
        "line\nbreak",
        "%",
        "_",
        "@{q0.records[0].Id}",
        "ünï@cödé.example",
        "\u202eright-to-left",
    ],
)
def test_text_in_a_look_up_is_only_ever_text(standin: StandIn, crm: SalesforceCrm, text: str) -> None:
    crm.apply([lead(1, Title=text), lead(2, Title="another"), lead(3, Title="third")])
    crm.calls.clear()
    seen = crm.observe(Lookup((ObjectLookup("Lead", ("Title",), {"Title": (text, "third")}),)))
    assert {r.get("Title") for r in seen.records} == {text, "third"}
    assert len(crm.calls) <= 2


def test_an_unreadable_value_is_an_input_error_of_a_record(crm: SalesforceCrm) -> None:
    with pytest.raises(InputError) as caught:
        crm.observe(Lookup((by_email("a\x00b@guest.example"),)))
    assert caught.value.scope is Scope.RECORD
    assert crm.calls == []


def test_more_values_than_a_statement_holds_are_several(standin: StandIn, crm: SalesforceCrm) -> None:
    crm.apply([lead(1)])
    crm.calls.clear()
    emails = tuple(f"{'x' * 60}{n}@guest.example" for n in range(3_000))
    seen = crm.observe(Lookup((by_email(*emails, "guest1@guest.example"),)))
    assert len(seen.records) == 1
    assert len(crm.calls) == 1


# -- failures ------------------------------------------------------------------------------------


def test_an_unknown_field_is_an_error_not_an_empty_answer(crm: SalesforceCrm) -> None:
    with pytest.raises(NeedsAdmin) as caught:
        crm.observe(
            Lookup((by_email("a@guest.example"), ObjectLookup("Contact", ("Nope__c",), {"Id": ("x",)})))
        )
    assert caught.value.code == "INVALID_FIELD"
    assert caught.value.fields == ("Nope__c",)


def test_a_failed_query_among_good_ones_fails_the_reading(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.fault("status", match={"op": "query", "object": "Contact"}, status=500)
    asked = Lookup(
        (by_email("a@guest.example"), ObjectLookup("Contact", ("Email",), {"Email": ("a@guest.example",)}))
    )
    with pytest.raises(Retry) as caught:
        crm.observe(asked)
    assert caught.value.scope is Scope.BATCH
    assert crm.observe(asked).records == ()


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("MALFORMED_QUERY", "unexpected token", Bug),
        ("QUERY_TIMEOUT", "running for too long", Retry),
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Wait),
    ],
)
def test_a_refused_query_raises_its_decision(
    standin: StandIn, crm: SalesforceCrm, code: str, message: str, kind: type[InstepError]
) -> None:
    standin.fault("status", match={"op": "query"}, status=400, errorCode=code, message=message)
    with pytest.raises(kind) as caught:
        crm.observe(Lookup((by_email("a@guest.example"),)))
    assert caught.value.code == code


def test_a_lost_answer_to_a_reading_has_no_outcome_to_worry_about(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    standin.fault("drop_after", match={"op": "composite"})
    with pytest.raises(Retry) as caught:
        crm.observe(Lookup((by_email("a@guest.example"),)))
    assert not caught.value.outcome_unknown


def test_a_composite_refused_for_its_shape_is_read_in_single_queries() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/composite"):
            return httpx2.Response(400, json=[{"errorCode": "JSON_PARSER_ERROR", "message": "no"}])
        assert len(str(request.url)) < 16_384
        row = {"attributes": {"type": "Lead"}, "Id": "00Q000000000001", "Email": "x"}
        return httpx2.Response(200, json={"totalSize": 1, "done": True, "records": [row]})

    crm = scripted(answer)
    emails = tuple(f"{'ä' * 60}{n}@guest.example" for n in range(100))
    seen = crm.observe(Lookup((by_email(*emails),), users=(HOST,)))
    assert [r.id for r in seen.records] == ["00Q000000000001EAA"]
    assert len(seen.users) == 1
    assert len(crm.calls) > 3


def test_a_maintenance_page_is_passing_trouble_of_the_connection() -> None:
    crm = scripted(lambda request: httpx2.Response(200, text="<html>We will be back</html>"))
    with pytest.raises(Retry) as caught:
        crm.observe(Lookup((by_email("a@guest.example"),)))
    assert caught.value.scope is Scope.CONNECTION


# -- users ---------------------------------------------------------------------------------------


def test_a_sandbox_spells_its_users_with_a_suffix(standin: StandIn, crm: SalesforceCrm) -> None:
    user = next(u for u in standin.records("User") if u["Email"] == HOST)
    standin.admin(
        "PATCH", "records", {"object": "User", "id": user["Id"], "fields": {"Email": f"{HOST}.invalid"}}
    )
    assert [u.email for u in crm.observe(Lookup(users=(HOST,))).users] == [HOST]
    assert [u.email for u in crm.users([HOST])] == [HOST]
    assert HOST in {u.email for u in crm.users()}


def test_only_active_users_own_records(standin: StandIn, crm: SalesforceCrm) -> None:
    inactive = {u["Email"] for u in standin.records("User") if not u["IsActive"]}
    assert inactive
    assert not inactive & {u.email for u in crm.users()}
    found = crm.users(sorted(inactive))
    assert [user.active for user in found] == [False], "the reason why a host has no owner is worth knowing"
    assert Directory().with_users(found).user(found[0].email) is None
    assert len(crm.users()) >= 4


def test_the_suffix_is_kept_where_it_is_the_whole_domain() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        rows = [
            {"attributes": {"type": "User"}, "Id": f"00500000000000{n}", "Email": email, "IsActive": True}
            for n, email in enumerate(("a@host.invalid", "b@host.example.invalid"))
        ]
        return httpx2.Response(200, json={"done": True, "records": rows})

    assert [u.email for u in scripted(answer).users()] == ["a@host.invalid", "b@host.example"]


def test_limits_are_the_last_word_of_the_org(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.admin("POST", "settings", {"apiMax": 500})
    crm.users()
    assert crm.limits.allowed == 500
    assert crm.limits.used


def test_the_queries_of_one_reading_travel_as_documented() -> None:
    bodies: list[dict[str, object]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        assert request.headers["sforce-call-options"] == "client=Instep"
        return composed(request, {"httpStatusCode": 200, "body": {"done": True, "records": []}})

    scripted(answer).observe(Lookup((by_email("a@guest.example"),)))
    (body,) = bodies
    assert (body["allOrNone"], body["collateSubrequests"]) == (False, False)

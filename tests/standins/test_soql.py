"""SOQL: what it finds, in which order, and to the letter how it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instep_standins.salesforce.errors import ApiError
from instep_standins.salesforce.soql_parse import parse
from standins.sf import Client

PEOPLE = (
    {"LastName": "Berg", "Company": "One", "Email": "berg@mail.example", "NumberOfEmployees": 5},
    {"LastName": "O'Brien", "Company": "Two", "Email": "o'brien@mail.example", "Title": "100% _real_"},
    {"LastName": "Åse", "Company": "Three", "NumberOfEmployees": 50, "Description": "long"},
    {"LastName": "adam", "Company": "Four", "Email": "adam@mail.example", "Title": "back\\slash"},
)


@pytest.fixture
def people(sf: Client) -> Client:
    for person in PEOPLE:
        sf.create("Lead", **person)
    return sf


def names(sf: Client, where: str) -> list[str]:
    return [row["LastName"] for row in sf.rows(f"SELECT LastName FROM Lead {where}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("WHERE LastName = 'BERG'", ["Berg"]),
        ("WHERE LastName = 'O\\'Brien'", ["O'Brien"]),
        ("WHERE Email IN ('BERG@mail.example', 'o\\'brien@mail.example', 'x')", ["Berg", "O'Brien"]),
        ("WHERE Email NOT IN ('berg@mail.example')", ["O'Brien", "Åse", "adam"]),
        ("WHERE Email = null", ["Åse"]),
        ("WHERE Email != null AND Title != null", ["O'Brien", "adam"]),
        ("WHERE Email != 'berg@mail.example'", ["O'Brien", "Åse", "adam"]),
        ("WHERE NumberOfEmployees > 5", ["Åse"]),
        ("WHERE NumberOfEmployees >= 5 AND NumberOfEmployees <= 50", ["Berg", "Åse"]),
        ("WHERE (LastName = 'Berg' OR LastName = 'adam') AND NumberOfEmployees = null", ["adam"]),
        ("WHERE NOT (LastName = 'Berg')", ["O'Brien", "Åse", "adam"]),
        ("WHERE LastName LIKE 'B%' OR (NOT Company LIKE '%o%')", ["Berg", "Åse"]),
        ("WHERE Title LIKE '100\\% \\_real\\_'", ["O'Brien"]),
        ("WHERE Title LIKE '100_ _rea__'", ["O'Brien"]),
        ("WHERE Title = 'back\\\\slash'", ["adam"]),
        ("WHERE IsConverted = false AND LastName < 'b'", ["adam"]),
        ("WHERE CreatedDate >= 2026-09-21T14:13:20Z AND CreatedDate = TODAY", []),
        ("WHERE CreatedDate > LAST_N_DAYS:2", ["Berg", "O'Brien", "Åse", "adam"]),
        ("WHERE CreatedDate < 2026-09-21T16:13:20+02:00", []),
        ("WHERE Owner.Email = 'INTEGRATION@acme.example' AND Owner.Name LIKE 'Integ%' LIMIT 1", ["Berg"]),
        ("where id in ('00QHs0000000001','00QHs0000000002MAA') order by company desc", ["O'Brien", "Berg"]),
        ("WHERE Id = '00QHs0000000077'", []),
        ("ORDER BY LastName", ["adam", "Berg", "O'Brien", "Åse"]),
        ("ORDER BY LastName DESC LIMIT 2 OFFSET 1", ["O'Brien", "Berg"]),
        ("ORDER BY NumberOfEmployees, LastName", ["adam", "O'Brien", "Berg", "Åse"]),
        ("ORDER BY NumberOfEmployees DESC NULLS FIRST, LastName", ["adam", "O'Brien", "Åse", "Berg"]),
        ("ORDER BY NumberOfEmployees ASC NULLS LAST, LastName DESC", ["Berg", "Åse", "O'Brien", "adam"]),
    ],
)
def test_rows_found(people: Client, where: str, found: list[str]) -> None:
    assert names(people, where) == found


def test_count_and_field_order_and_null_parents(people: Client) -> None:
    assert people.query("SELECT COUNT() FROM Lead").json() == {"totalSize": 4, "done": True, "records": []}
    people.create("Event", DurationInMinutes=5, StartDateTime="2026-10-01T08:00:00Z")
    [row] = people.rows("SELECT Subject, Id, Who.Name, Owner.Email FROM Event")
    assert list(row) == ["attributes", "Subject", "Id", "Who", "Owner"]
    assert (row["Who"], row["Owner"]["Email"]) == (None, "integration@acme.example")


def test_who_shows_the_name_object_only(people: Client) -> None:
    lead = people.rows("SELECT Id FROM Lead WHERE LastName = 'Berg'")[0]["Id"]
    people.create("Event", DurationInMinutes=5, StartDateTime="2026-10-01T08:00:00Z", WhoId=lead)
    [row] = people.rows("SELECT Who.Name, Who.Type, Who.Id FROM Event WHERE Who.Type = 'Lead'")
    assert (row["Who"]["Name"], row["Who"]["Type"], row["Who"]["Id"]) == ("Berg", "Lead", lead)
    assert people.query("SELECT Who.Company FROM Event").json()[0]["errorCode"] == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("soql", "code", "part"),
    [
        (
            "SELECT Foo FROM Lead",
            "INVALID_FIELD",
            "No such column 'Foo' on entity 'Lead'. If you are attempting",
        ),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported."),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered",
        ),
        (
            "SELECT Id FROM Lead ORDER BY Description",
            "INVALID_FIELD",
            "field 'Description' can not be sorted",
        ),
        (
            "SELECT Id FROM Lead WHERE Email = 5",
            "INVALID_FIELD",
            "must be of type email and should be enclosed",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > '2026'",
            "INVALID_FIELD",
            "should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Lead WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
        ("SELECT Id FROM Lead WHERE OwnerId LIKE 'x%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        ("SELECT Id, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM Lead WHERE A.B.C = 1", "INVALID_FIELD", "Didn't understand relationship 'A'"),
        ("SELECT Owner.Profile.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Profile'"),
        (
            "SELECT Account.Owner.Nothing FROM Contact",
            "INVALID_FIELD",
            "No such column 'Nothing' on entity 'User'",
        ),
        ("SELECT a.b.c.d.e.f.g FROM Lead", "INVALID_FIELD", "5 relationships or less"),
        ("SELECT Id FROM Lead WHERE Foo.Name = 'x'", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        (
            "SELECT Id FROM Lead WHERE Id = '1' AND Email = 'a' OR Email = 'b'",
            "MALFORMED_QUERY",
            "token: 'OR'",
        ),
        ("SELECT Id FROM Lead WHERE Email = 'a' AND NOT Email = 'b'", "MALFORMED_QUERY", "token: 'NOT'"),
        ("SELECT Id FROM Lead WHERE Email = 'O'Brien'", "MALFORMED_QUERY", "a quote is not closed"),
        ("SELECT Id FROM Lead WHERE Email = 'open", "MALFORMED_QUERY", "a quote is not closed"),
        ("SELECT Id FROM Lead WHERE Email = 'a\\q'", "MALFORMED_QUERY", "Illegal string escape"),
        ("SELECT Id FROM Lead LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Lead WHERE Email IN ()", "MALFORMED_QUERY", "unexpected token: ')'"),
        ("SELECT FROM Lead", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id Lead", "MALFORMED_QUERY", "unexpected token: 'Lead'"),
        ("", "MALFORMED_QUERY", "missing"),
        (f"SELECT Id FROM Lead WHERE Email = '{'x' * 4001}'", "MALFORMED_QUERY", "longer than 4000"),
        ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
    ],
)
def test_refused_query(sf: Client, soql: str, code: str, part: str) -> None:
    answer = sf.query(soql)
    [error] = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, code)
    assert part in error["message"]
    assert set(error) == {"message", "errorCode"}


def test_message_points_at_the_place(sf: Client) -> None:
    assert (
        sf.query("select count() from XYZZY")
        .json()[0]["message"]
        .startswith(
            "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\nsObject type 'XYZZY' is not"
        )
    )


def test_statement_of_more_than_a_hundred_thousand_characters_is_refused(sf: Client) -> None:
    soql = "SELECT Id FROM Lead WHERE Email IN (" + ",".join(f"'{n:020d}@x.yz'" for n in range(4000)) + ")"
    answer = sf.composite(("q", "GET", "/query?q=" + soql.replace(" ", "+"), None))["q"]
    assert answer["body"][0]["errorCode"] == "MALFORMED_QUERY"
    assert "100,000" in answer["body"][0]["message"]


def test_address_of_more_than_16_kilobytes_is_refused(sf: Client) -> None:
    assert sf.query("SELECT Id FROM Lead WHERE Email = '" + "x" * 17_000 + "'").status_code == 414


def test_pages(sf: Client) -> None:
    """nextRecordsUrl leads on until done; the batch size is a hint of 200 to 2,000."""
    with sf.org.transaction():
        for number in range(450):
            sf.org.insert("Lead", {"LastName": f"L{number:03d}", "Company": "C"})
    page = sf.query(
        "SELECT LastName FROM Lead ORDER BY LastName", **{"Sforce-Query-Options": "batchSize=200"}
    ).json()
    seen = [row["LastName"] for row in page["records"]]
    assert (page["totalSize"], page["done"], len(seen)) == (450, False, 200)
    assert page["nextRecordsUrl"].startswith("/services/data/v68.0/query/01g")
    while not page["done"]:
        page = sf.http.get(page["nextRecordsUrl"]).json()
        seen += [row["LastName"] for row in page["records"]]
    assert seen == [f"L{number:03d}" for number in range(450)]
    assert sf.refusal("GET", "/query/01gHs0000000009MAA-2000")[1] == "INVALID_QUERY_LOCATOR"


def test_hidden_field_is_no_column(people: Client) -> None:
    people.fake("fls", {"object": "Lead", "field": "Title", "read": False, "edit": False})
    for soql in (
        "SELECT Title FROM Lead",
        "SELECT Id FROM Lead WHERE Title = 'x'",
        "SELECT Id FROM Lead ORDER BY Title",
    ):
        assert people.query(soql).json()[0]["errorCode"] == "INVALID_FIELD"


def test_deleted_records_show_in_query_all_only(people: Client) -> None:
    record_id = people.rows("SELECT Id FROM Lead WHERE LastName = 'Berg'")[0]["Id"]
    people.call("DELETE", f"/sobjects/Lead/{record_id}")
    assert "Berg" not in names(people, "")
    [row] = people.rows("SELECT Id FROM Lead WHERE IsDeleted = true", all_rows=True)
    assert row["Id"] == record_id


def test_escaped_text_finds_exactly_itself(sf: Client) -> None:
    """Backslash first, then the quote: any text survives the way through a statement."""
    texts = [
        "it's",
        "\\",
        "a\\'b",
        '"',
        "100%",
        "_",
        "line\nbreak",
        "\u202eabc",
        "' OR Id != null OR Email = '",
    ]
    for text in texts:
        sf.create("Lead", LastName="x", Company=text)
    for text in texts:
        escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        rows = sf.rows(f"SELECT Company FROM Lead WHERE Company = '{escaped}'")
        assert [row["Company"] for row in rows] == [text]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("SELECTFROMWHEREid ,.()'\\=<>!%_5:-TZ\n"), max_size=60))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    """The parser never fails in another way than with a refusal."""
    try:
        parse(text)
        code = "MALFORMED_QUERY"
    except ApiError as refused:
        code = refused.body[0]["errorCode"]
    assert code == "MALFORMED_QUERY"


def test_paths_lead_through_several_records(sf: Client) -> None:
    account = sf.create("Account", Name="Navy")
    contact = sf.create("Contact", LastName="Hopper", AccountId=account)
    alone = sf.create("Contact", LastName="Alone")
    for who in (contact, alone, None):
        sf.create("Case", ContactId=who, Subject=who and "x")
    names = "Contact.Name, Contact.Account.Name, Contact.Account.Owner.Name"
    soql = f"SELECT {names} FROM Case ORDER BY Contact.Account.Name"
    told = [
        row["Contact"] and {k: v for k, v in row["Contact"].items() if k != "attributes"}
        for row in sf.rows(soql)
    ]
    for row in told:
        for parent in (row or {}).values():
            if isinstance(parent, dict):
                parent.pop("attributes")
                parent["Owner"].pop("attributes")
    navy = {"Name": "Navy", "Owner": {"Name": "Integration User"}}
    assert told == [{"Name": "Alone", "Account": None}, None, {"Name": "Hopper", "Account": navy}]
    assert len(sf.rows("SELECT Id FROM Case WHERE Contact.Account.Name = 'navy'")) == 1

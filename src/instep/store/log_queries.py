"""The sync log: every attempt, the problems of the moment grouped by cause, and what people decide about them.

An attempt is a receipt, or the stop of a whole connection (an alert): then no item was tried and none has a
receipt. A *group* is items with the same problem: same connection, same code, and messages that differ in
names, ids and numbers only. Every function takes the account first.
"""

from __future__ import annotations

import json
from datetime import datetime

from attrs import frozen
from django.db import transaction

from instep.core.causes import SETUP
from instep.store.queries import IGNORED, PROBLEM, STATE, rows, wake

#: what of an item's error message tells the cause: all but addresses, quoted values, ids and numbers
_SHAPE = r"""md5(regexp_replace(regexp_replace(regexp_replace(regexp_replace(i.error_message,
                 '[^\s<>"“”]+@[^\s<>"“”]+', '…', 'g'),
                 '"[^"]*"|“[^”]*”', '…', 'g'),
                 '\m(?:[A-Z]{3,4}-[A-Z0-9]+|(?=[A-Za-z]*[0-9])[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?)\M', '…', 'g'),
                 '[0-9]+', '…', 'g'))"""
#: items `i` whose problem waits for a person; one that was taken out of its lane is nobody's problem
_TROUBLED = f"i.done < i.wanted AND i.due_at IS NOT NULL AND {STATE} IN ('{PROBLEM}', '{IGNORED}')"

WRITTEN, FAILED = "written", "failed"
#: the class of an attempt that stopped a whole connection
STOPPED = "Stopped"


@frozen
class AttemptFilter:
    """What the log is narrowed to; empty texts narrow nothing.

    `result` is written or failed; `error` a class of `core.errors`, `STOPPED`, or a code.
    """

    search: str = ""
    result: str = ""
    error: str = ""
    connection: str = ""
    since: datetime | None = None

    @property
    def any(self) -> bool:
        """True when the log is narrowed at all."""
        return bool(self.search or self.result or self.error or self.connection or self.since)


@frozen
class Attempt:
    """One attempt. `kind` is booking, contact or connection; `target` the key of what was written, `contact_id` a
    contact's public id.

    `item` and `state` tell of the item today; `wrote` whether anything had to be written, `left_out` how many
    fields the CRM refused. A stop's `cleared_at` is when the connection worked again.
    """

    key: int
    at: datetime
    kind: str
    target: int
    connection: str
    vendor: str
    connection_name: str
    outcome: str
    code: str
    message: str
    calls: int
    ms: int
    shared: int
    wrote: bool
    left_out: int
    name: str
    about: str
    contact_id: str
    item: int | None
    state: str
    cleared_at: datetime | None = None


_FOUND = """
        people AS (
            SELECT id FROM contact
             WHERE account_id = %(account)s AND position(%(search)s IN lower(
                   concat_ws(' ', public_id, email, fields #>> '{name,0}'))) > 0),
        found AS (
            SELECT 'booking' AS kind, id FROM booking
             WHERE account_id = %(account)s AND (contact_id IN (SELECT id FROM people) OR position(%(search)s IN lower(
                   concat_ws(' ', source_id, subject, state #>> '{guest,name}', state #>> '{guest,email}'))) > 0)
             UNION SELECT 'contact', id FROM people
             UNION SELECT kind, target_id FROM sync_item
                    WHERE account_id = %(account)s AND length(%(search)s) IN (15, 18)
                      AND %(search)s IN (lower(link ->> 'person_id'), lower(link ->> 'activity_id')))"""


def attempts(
    account_id: int, wanted: AttemptFilter, limit: int, before: tuple[datetime, int] | None = None
) -> list[Attempt]:
    """Attempts, the newest first; `before` is (at, key) of the last one already shown."""
    parameters = {
        "account": account_id,
        "search": wanted.search.replace("\0", "").strip().lower(),
        "result": wanted.result,
        "error": wanted.error.replace("\0", ""),
        "connection": wanted.connection.replace("\0", ""),
        "since": wanted.since,
        "at": before[0] if before else None,
        "key": before[1] if before else None,
        "limit": limit,
    }
    found = [*_receipts(parameters), *_stops(parameters)]
    return sorted(found, key=lambda attempt: (attempt.at, attempt.key), reverse=True)[:limit]


def _receipts(parameters: dict[str, object]) -> list[Attempt]:
    searching = bool(parameters["search"])
    failed = parameters["result"] == FAILED or parameters["error"]
    found = rows(
        f"""
        WITH {_FOUND if searching else "nothing AS (SELECT 1)"},
        page AS (
            SELECT r.* FROM receipt r JOIN connection n ON n.account_id = r.account_id AND n.id = r.connection_id
             WHERE r.account_id = %(account)s
               AND (%(since)s::timestamptz IS NULL OR r.at >= %(since)s)
               AND (%(at)s::timestamptz IS NULL OR (r.at, r.id) < (%(at)s, %(key)s))
               AND (%(connection)s = '' OR n.public_id = %(connection)s)
               AND (%(result)s <> '{WRITTEN}' OR r.outcome = 'done')
               {"AND r.outcome <> 'done'" if failed else ""}
               AND (%(error)s = '' OR r.outcome = %(error)s OR r.document #>> '{{error,code}}' = %(error)s)
               {"AND (r.kind, r.target_id) IN (SELECT kind, id FROM found)" if searching else ""}
             ORDER BY r.at DESC, r.id DESC LIMIT %(limit)s)
        SELECT p.id, p.at, p.kind, p.target_id, n.public_id, n.vendor, n.name, p.outcome,
               coalesce(p.document #>> '{{error,code}}', ''), coalesce(p.document #>> '{{error,message}}', ''),
               p.calls, p.ms, coalesce((p.document #>> '{{cost,batch_items}}')::int, 1),
               jsonb_path_exists(p.document, '$.writes[*] ? (@.action != "none")'),
               jsonb_array_length(jsonb_path_query_array(p.document,
                   '$.writes[*].changes[*] ? (@.verdict == "leave_out")')),
               coalesce(nullif(b.state #>> '{{guest,name}}', ''), nullif(b.state #>> '{{guest,email}}', ''),
                        b.source_id, c.fields #>> '{{name,0}}', nullif(c.email, ''), c.public_id, ''),
               coalesce(b.subject, ''), coalesce(c.public_id, ''), i.id, coalesce({STATE}, '')
          FROM page p
          JOIN connection n ON n.account_id = p.account_id AND n.id = p.connection_id
          LEFT JOIN booking b ON p.kind = 'booking' AND b.account_id = p.account_id AND b.id = p.target_id
          LEFT JOIN contact c ON p.kind = 'contact' AND c.account_id = p.account_id AND c.id = p.target_id
          LEFT JOIN sync_item i ON i.account_id = p.account_id AND i.connection_id = p.connection_id
                               AND i.kind = p.kind AND i.target_id = p.target_id
         ORDER BY p.at DESC, p.id DESC
        """,  # noqa: S608 - the words in braces are this module's own
        parameters,
    )
    return [Attempt(*row) for row in found]


def _stops(parameters: dict[str, object]) -> list[Attempt]:
    """Stops of whole connections, which no search for a person or booking finds."""
    if parameters["search"] or parameters["result"] == WRITTEN:
        return []
    found = rows(
        f"""
        SELECT a.id, a.raised_at, n.public_id, n.vendor, n.name, a.code, a.message, a.cleared_at
          FROM alert a JOIN connection n ON n.account_id = a.account_id AND n.id = a.connection_id
         WHERE a.account_id = %(account)s AND NOT starts_with(a.code, '{SETUP}')
           AND (%(since)s::timestamptz IS NULL OR a.raised_at >= %(since)s)
           AND (%(at)s::timestamptz IS NULL OR (a.raised_at, a.id) < (%(at)s, %(key)s))
           AND (%(connection)s = '' OR n.public_id = %(connection)s)
           AND %(error)s IN ('', '{STOPPED}', a.code)
         ORDER BY a.raised_at DESC, a.id DESC LIMIT %(limit)s
        """,  # noqa: S608 - as above
        parameters,
    )
    return [
        Attempt(
            key, at, "connection", 0, connection, vendor, name, STOPPED, code, message,
            calls=0, ms=0, shared=1, wrote=False, left_out=0, name="", about="", contact_id="", item=None, state="",
            cleared_at=cleared_at,
        )
        for key, at, connection, vendor, name, code, message, cleared_at in found
    ]  # fmt: skip


def error_codes(account_id: int, newest: int = 500) -> list[str]:
    """The codes that the newest failed attempts and stops met, for a filter to offer."""
    found = rows(
        f"""
        SELECT document #>> '{{error,code}}' AS code
          FROM (SELECT document FROM receipt WHERE account_id = %(a)s AND outcome <> 'done'
                 ORDER BY at DESC LIMIT %(newest)s) failed
         UNION
        SELECT code FROM (SELECT code FROM alert WHERE account_id = %(a)s AND NOT starts_with(code, '{SETUP}')
                           ORDER BY raised_at DESC LIMIT %(newest)s) stops
         ORDER BY 1
        """,  # noqa: S608 - as above
        {"a": account_id, "newest": newest},
    )
    return [code for (code,) in found if code]


# --- groups of the same problem ---


@frozen
class ProblemGroup:
    """Items that wait for a person with the same problem. `message` and `cure` are those of one of them.

    `kind` and `target` name that one; `next_try` is when the first of them is tried again by itself.
    """

    connection: str
    vendor: str
    connection_name: str
    code: str
    shape: str
    state: str
    count: int
    since: datetime | None
    next_try: datetime | None
    message: str
    kind: str
    target: int
    error_class: str
    cure: str
    #: the object and the fields that the CRM blamed on that one's record, as far as it named them
    object: str = ""
    fields: tuple[str, ...] = ()

    @property
    def ignored(self) -> bool:
        """True when somebody said that it may stay so."""
        return self.state == IGNORED

    @property
    def anchor(self) -> str:
        """The place of the group on its page."""
        return f"group-{self.connection}-{self.code}-{self.shape[:8]}"


def problem_groups(account_id: int, limit: int = 50, connection: str = "") -> list[ProblemGroup]:
    """Present problems by cause, the biggest first; those that are ignored come last."""
    found = rows(
        f"""
        WITH grouped AS (
            SELECT i.connection_id, i.error_code, {_SHAPE} AS shape, {STATE} AS state, count(*) AS items,
                   min(i.marked_at) AS since, min(i.due_at) AS next_try,
                   (array_agg(i.id ORDER BY i.marked_at DESC NULLS LAST, i.id DESC))[1] AS example
              FROM sync_item i WHERE i.account_id = %(account)s AND {_TROUBLED}
             GROUP BY 1, 2, 3, 4)
        SELECT n.public_id, n.vendor, n.name, g.error_code, g.shape, g.state, g.items, g.since, g.next_try,
               i.error_message, i.kind, i.target_id, i.error_class, coalesce(said.cure, ''),
               coalesce(said.refused ->> 'object', ''), coalesce(said.refused #> '{{result,fields}}', '[]')
          FROM grouped g
          JOIN connection n ON n.account_id = %(account)s AND n.id = g.connection_id AND n.state <> 'disabled'
          JOIN sync_item i ON i.account_id = %(account)s AND i.id = g.example
          LEFT JOIN LATERAL (
               SELECT r.document #>> '{{error,cure}}' AS cure,
                      -- of several the last: what an earlier write was refused for may have been cured by the next
                      jsonb_path_query_array(r.document, '$.writes[*] ? (@.result.code == $code)',
                                             jsonb_build_object('code', i.error_code)) -> -1 AS refused
                 FROM receipt r
                WHERE r.account_id = %(account)s AND r.kind = i.kind AND r.target_id = i.target_id
                  AND r.connection_id = i.connection_id
                ORDER BY r.at DESC LIMIT 1) said ON true
         WHERE %(connection)s = '' OR n.public_id = %(connection)s
         ORDER BY g.state = '{IGNORED}', g.items DESC, g.since, g.error_code, g.shape LIMIT %(limit)s
        """,  # noqa: S608 - as above
        {"account": account_id, "limit": limit, "connection": connection.replace("\0", "")},
    )
    return [ProblemGroup(*row[:-1], fields=tuple(json.loads(row[-1]))) for row in found]


_OF_GROUP = f"""
    SELECT i.id FROM sync_item i JOIN connection n ON n.account_id = i.account_id AND n.id = i.connection_id
     WHERE i.account_id = %(account)s AND n.public_id = %(connection)s AND i.error_code = %(code)s
       AND {_SHAPE} = %(shape)s AND {STATE} = %(state)s AND {_TROUBLED}
     ORDER BY i.connection_id, i.kind, i.target_id FOR UPDATE OF i"""  # noqa: S608 - as above


@frozen
class GroupName:
    """What names a group in an address or a form; `state` is problem or ignored."""

    connection: str
    code: str
    shape: str
    state: str = PROBLEM

    def parameters(self, account_id: int) -> dict[str, object]:
        """The name as parameters of a statement."""
        told = {"connection": self.connection, "code": self.code, "shape": self.shape, "state": self.state}
        return {"account": account_id} | {name: value.replace("\0", "") for name, value in told.items()}


def retry_group(account_id: int, group: GroupName) -> int:
    """Have exactly the items of a group tried again now; how many they are."""
    with transaction.atomic():
        found = rows(
            f"""
            WITH chosen AS ({_OF_GROUP})
            UPDATE sync_item SET due_at = now(), ignored_at = NULL FROM chosen
             WHERE sync_item.account_id = %(account)s AND sync_item.id = chosen.id
            RETURNING sync_item.connection_id
            """,  # noqa: S608 - as above
            group.parameters(account_id),
        )
        wake(account_id, {connection for (connection,) in found})
    return len(found)


def ignore_group(account_id: int, group: GroupName, ignore: bool = True) -> int:
    """Say that the problem of a group may stay, or no longer; how many items that changes."""
    return len(
        rows(
            f"""
            WITH chosen AS ({_OF_GROUP})
            UPDATE sync_item SET ignored_at = CASE WHEN %(ignore)s THEN now() END FROM chosen
             WHERE sync_item.account_id = %(account)s AND sync_item.id = chosen.id
            RETURNING sync_item.id
            """,  # noqa: S608 - as above
            {**group.parameters(account_id), "ignore": ignore},
        )
    )


def retry_item(account_id: int, item_id: int) -> bool:
    """Have one item that is behind tried again now. False when it is in step, out of its lane, or not there."""
    with transaction.atomic():
        found = rows(
            """
            UPDATE sync_item SET due_at = now(), ignored_at = NULL
             WHERE account_id = %s AND id = %s AND done < wanted AND due_at IS NOT NULL
            RETURNING connection_id
            """,
            [account_id, item_id],
        )
        wake(account_id, [connection for (connection,) in found])
    return bool(found)

"""Writing: a batch in one Composite where it fits, parents before children (design: the two-call rule).

What a Composite cannot carry safely (text with `@{`), or what it was refused for as a whole, goes as
plain requests. Nothing is ever sent twice here except after a refusal that changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instep.core.changes import Action, Write
from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope
from instep.core.lookup import Record
from instep.crm.port import Applied, ReadOne, WriteResult
from instep.crm.salesforce.client import SalesforceClient
from instep.crm.salesforce.errors import GONE, MULTIPLE_CHOICES, PROCESSING_HALTED, error_of, error_of_all
from instep.crm.salesforce.ids import long_id
from instep.crm.salesforce.observe import parts_of, record_of, refusal
from instep.crm.salesforce.pack import Collection, collections, composites, mentions_reference, ranks
from instep.crm.salesforce.pack import Composite as Packed
from instep.crm.salesforce.parts import part_request, read_path
from instep.crm.sendable import unsendable

#: Collections that one batch may have refused as a whole before the rest counts as refused with them.
_SPLITS = 24


def apply(
    client: SalesforceClient,
    writes: Sequence[Write],
    reads: Sequence[ReadOne] = (),
    before_write: Callable[[], None] = lambda: None,
) -> Applied:
    """Send a batch; see `port.Crm.apply`. An error that stops it carries what was answered: `.partial`."""
    sending = _Sending(client, writes, before_write)
    try:
        sending.run(reads)
    except InstepError as error:
        error.partial = sending.applied()
        raise
    return sending.applied()


class _Sending:
    """One batch on its way: which ids are known, what has been answered, what is still to go."""

    def __init__(
        self, client: SalesforceClient, writes: Sequence[Write], before_write: Callable[[], None]
    ) -> None:
        self._client = client
        self._before = before_write
        self._by_ref = {w.ref: w for w in writes}
        self._order = ranks(writes)
        self._plain = {w.ref for w in writes if mentions_reference(w)}
        self._results: dict[str, WriteResult] = {}
        self._reads: dict[tuple[str, str], Record | None] = {}
        self._stopped: InstepError | None = None
        self._splits = 0
        for write in writes:
            error = unsendable(write)
            if error is not None:
                self._results[write.ref] = WriteResult(write.ref, error=error)

    def applied(self) -> Applied:
        """What is known so far, in the order of the batch."""
        results = {ref: self._results[ref] for ref in self._by_ref if ref in self._results}
        return Applied(results=results, reads=dict(self._reads))

    def run(self, reads: Sequence[ReadOne]) -> None:
        """Composites as far as they carry, then plain requests, until everything is answered."""
        while True:
            before = len(self._open()) + len(reads)
            self._void_orphans()
            ready = self._ready_for_composite()
            if ready or reads:
                self._send_composites(reads, ready)
                reads = ()
            self._void_orphans()
            plain = [w for w in self._open() if w.ref in self._plain and self._parents_known(w)]
            for part in collections(plain, self._order):
                self._send_plain(part)
            left = len(self._open())
            if not left:
                return
            if left == before:
                raise Bug(f"{left} writes of a batch can never be sent.", code="stuck_batch")

    def _open(self) -> list[Write]:
        return [w for w in self._by_ref.values() if w.ref not in self._results]

    def _ready_for_composite(self) -> list[Write]:
        """Writes without text that a Composite would misread, whose parents are known or come along."""
        ready: dict[str, Write] = {}
        for write in sorted(self._open(), key=lambda w: self._order[w.ref]):
            parents = write.parents.values()
            if write.ref not in self._plain and all(self._known(p) or p in ready for p in parents):
                ready[write.ref] = write
        return list(ready.values())

    def _known(self, ref: str) -> str:
        """The id of a written or existing record, empty while it is unknown."""
        write, result = self._by_ref[ref], self._results.get(ref)
        if write.action is Action.UPDATE:
            return write.id
        return result.id if result is not None and result.ok else ""

    def _parents_known(self, write: Write) -> bool:
        return all(self._known(ref) for ref in write.parents.values())

    def _void_orphans(self) -> None:
        """Children whose parent was refused are void: there is no id to refer to."""
        for write in sorted(self._open(), key=lambda w: self._order[w.ref]):
            answered = (self._results.get(p) for p in write.parents.values() if not self._known(p))
            if any(result is not None and not result.ok for result in answered):
                self._results[write.ref] = WriteResult(write.ref, void=True)

    # -- composites ----------------------------------------------------------------------------

    def _send_composites(self, reads: Sequence[ReadOne], writes: Sequence[Write]) -> None:
        for packed in composites(reads, collections(writes, self._order)):
            packed = self._still_sendable(packed)
            if packed.reads or packed.collections:
                self._send_composite(packed)
            self._void_orphans()

    def _still_sendable(self, packed: Packed) -> Packed:
        """The Composite without what an earlier one of the batch has voided or left without a parent."""
        coming: set[str] = set()
        parts = []
        for part in packed.collections:
            left = tuple(
                w
                for w in part.writes
                if w.ref not in self._results
                and all(self._known(p) or p in coming for p in w.parents.values())
            )
            coming.update(w.ref for w in left)
            if left:
                parts.append(Collection(left))
        return Packed(packed.reads, tuple(parts))

    def _send_composite(self, packed: Packed) -> None:
        places = {
            write.ref: f"@{{w{n}.id}}" if part.single else f"@{{w{n}[{i}].id}}"
            for n, part in enumerate(packed.collections)
            for i, write in enumerate(part.writes)
        }
        base = self._client.base
        requests: list[dict[str, Any]] = [
            {"method": "GET", "url": f"{base}{read_path(read)}", "referenceId": f"r{n}"}
            for n, read in enumerate(packed.reads)
        ]
        requests += [
            {**part_request(part, base, lambda ref: self._known(ref) or places[ref]), "referenceId": f"w{n}"}
            for n, part in enumerate(packed.collections)
        ]
        body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": requests}
        changing = bool(packed.collections)
        try:
            answer = self._client.request(
                "POST",
                "/composite",
                json=body,
                purpose="write" if changing else "read",
                changes=changing,
                before=self._before if changing else lambda: None,
            )
        except (Bug, NeedsAdmin) as error:
            if error.scope is Scope.CONNECTION:
                raise
            self._fall_back(packed)
            return
        references = [str(request["referenceId"]) for request in requests]
        parts = parts_of(answer, references, changes=changing)
        self._take_composite(packed, parts, answer.request_id)

    def _take_composite(self, packed: Packed, parts: Sequence[Mapping[str, Any]], request_id: str) -> None:
        """Everything answered is taken in before an error of one part stops the rest."""
        for read, part in zip(packed.reads, parts, strict=False):
            self._take_read(read, _status(part), part.get("body"), request_id)
        for collection, part in zip(packed.collections, parts[len(packed.reads) :], strict=True):
            self._take(collection, _status(part), part.get("body"), request_id)
        self._stop_if_told()

    def _fall_back(self, packed: Packed) -> None:
        """A Composite refused for its shape has changed nothing: its parts go one by one."""
        for read in packed.reads:
            answer = self._client.request("GET", read_path(read), purpose="read", refusals=True)
            self._take_read(read, answer.status, answer.body, answer.request_id)
        self._stop_if_told()
        for part in packed.collections:
            self._plain.update(w.ref for w in part.writes)

    # -- plain requests ------------------------------------------------------------------------

    def _send_plain(self, part: Collection) -> None:
        """A collection or a single record as a request of its own; parents' ids are known."""
        request = part_request(part, "", self._known)
        answer = self._client.request(
            request["method"],
            request["url"],
            json=request["body"],
            headers=request.get("httpHeaders"),
            purpose="write",
            changes=True,
            refusals=True,
            before=self._before,
        )
        self._take(part, answer.status, answer.body, answer.request_id)
        self._stop_if_told()
        # What is left was refused as a whole, so nothing of it was done.
        left = tuple(w for w in part.writes if w.ref not in self._results)
        middle = len(left) // 2
        for half in (left[:middle], left[middle:]):
            if half:
                self._send_plain(Collection(half))

    # -- answers -------------------------------------------------------------------------------

    def _take(self, part: Collection, status: int, body: Any, request_id: str) -> None:
        """The answer to one part. A collection refused as a whole for its content stays open."""
        if status in (200, 201, 204):
            self._take_rows(part, body, request_id)
            return
        if status == 300:
            refused = error_of(
                {"errorCode": MULTIPLE_CHOICES, "message": "Several records have this external id."},
                request_id=request_id,
            )
        else:
            refused = refusal(status, body, request_id)
        if refused.scope is Scope.CONNECTION:
            self._stopped = self._stopped or refused
        elif refused.code == PROCESSING_HALTED or self._refers_to_refused(part):
            # Open parents are sent again, then these children too; else nobody can refer to them.
            if not any(p not in self._results for w in part.writes for p in self._unknown_parents(w)):
                self._results.update({w.ref: WriteResult(w.ref, void=True) for w in part.writes})
        elif len(part.writes) == 1:
            self._refuse(part.writes[0], _for_record(refused, body, status, request_id))
        elif isinstance(refused, Retry):
            refused.outcome_unknown = status >= 500
            for write in part.writes:
                self._refuse(write, refused)
        else:
            self._split(part, refused)

    def _split(self, part: Collection, refused: InstepError) -> None:
        """A collection refused as a whole for its content: who is to blame, and who is sent again.

        Writes of the fields that the refusal names have their answer; the others go once more, halved
        until one record is to blame, but not for ever: calls are the customer's.
        """
        blamed = {f.lower() for f in refused.fields}
        guilty = [w for w in part.writes if blamed & {f.lower() for f in (*w.values, *w.parents)}]
        self._splits += 1
        for write in part.writes if self._splits > _SPLITS else guilty:
            self._refuse(write, refused)
        self._plain.update(w.ref for w in part.writes if w.ref not in self._results)

    def _refers_to_refused(self, part: Collection) -> bool:
        parents = (p for w in part.writes for p in self._unknown_parents(w))
        return any(not self._results[p].ok for p in parents if p in self._results)

    def _unknown_parents(self, write: Write) -> list[str]:
        return [p for p in write.parents.values() if not self._known(p)]

    def _take_rows(self, part: Collection, body: Any, request_id: str) -> None:
        rows = body if isinstance(body, list) else [body]
        if len(rows) != len(part.writes):
            rows = [{"success": True}] * len(part.writes)  # of what, nobody can tell
        for write, row in zip(part.writes, rows, strict=True):
            answer: Mapping[str, Any] = row if isinstance(row, Mapping) else {"success": True}  # 204
            record_id = long_id(str(answer.get("id") or write.id))
            if not answer.get("success"):
                self._refuse(write, error_of_all(answer.get("errors") or [], request_id=request_id))
            elif record_id:
                created = bool(answer.get("created", write.action is Action.CREATE))
                self._results[write.ref] = WriteResult(write.ref, id=record_id, created=created)
            else:
                self._refuse(write, _untold(request_id))

    def _refuse(self, write: Write, error: InstepError) -> None:
        if error.scope is Scope.CONNECTION:
            self._stopped = self._stopped or error
            return
        self._results[write.ref] = WriteResult(write.ref, error=error)

    def _take_read(self, read: ReadOne, status: int, body: Any, request_id: str) -> None:
        key = (read.object, read.id)
        if status == 200 and isinstance(body, Mapping):
            self._reads[key] = record_of(read.object, {"Id": read.id, **body})
            return
        refused = refusal(status, body, request_id)
        if refused.code in GONE:
            self._reads[key] = None
        else:
            self._stopped = self._stopped or refused

    def _stop_if_told(self) -> None:
        if self._stopped is not None:
            raise self._stopped


def _untold(request_id: str) -> Retry:
    return Retry(
        "Salesforce's answer does not say what became of the record.",
        code="bad_answer",
        cure="It is looked for before it is written again.",
        request_id=request_id,
        outcome_unknown=True,
    )


def _status(part: Mapping[str, Any]) -> int:
    return int(part.get("httpStatusCode") or 0)


def _for_record(refused: InstepError, body: Any, status: int, request_id: str) -> InstepError:
    """What a request was refused with, as the answer to its only record."""
    if isinstance(body, list) and body:
        refused = error_of_all(body, request_id=request_id)
    refused.outcome_unknown = status >= 500
    return refused

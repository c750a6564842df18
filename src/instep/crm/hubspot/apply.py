"""Writing: batches of 100, people before their meetings, each input named so that its answer finds back to it.

What we make carries our id, which no two records share: a second try is refused, and what stands there is changed
instead. Nothing is sent twice here except after a refusal that changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instep.core.changes import Write
from instep.core.errors import InputError, InstepError, Retry, Scope
from instep.core.refusal import DOUBLED, NOT_THERE, TAKEN
from instep.crm.hubspot import names
from instep.crm.hubspot.client import Answer, HubSpotClient
from instep.crm.hubspot.errors import clashing, error_of, invalid_ids
from instep.crm.hubspot.observe import batch_read
from instep.crm.hubspot.pack import Batch, batches, body_of, contacts_left, contacts_of, named_by
from instep.crm.hubspot.relate import Relating, relate
from instep.crm.hubspot.wire import properties_of
from instep.crm.port import Applied, ReadOne, WriteResult
from instep.crm.sendable import unsendable

#: batches refused as a whole that are cut in two before the rest counts as refused with them
_SPLITS = 24


def apply(
    client: HubSpotClient,
    writes: Sequence[Write],
    reads: Sequence[ReadOne] = (),
    before_write: Callable[[], None] = lambda: None,
) -> Applied:
    """Send a batch; see `port.Crm.apply`. An error that stops it carries what was answered: `.partial`.

    HubSpot reads nothing in a call that writes: `reads` stay unanswered.
    """
    sending = _Sending(client, writes, before_write)
    try:
        sending.run()
    except InstepError as error:
        error.partial = sending.applied()
        raise
    return sending.applied()


class _Sending:
    """One batch on its way: which ids are known, what has been answered."""

    def __init__(
        self, client: HubSpotClient, writes: Sequence[Write], before_write: Callable[[], None]
    ) -> None:
        self._client = client
        self._before = before_write
        self._by_ref = {w.ref: w for w in writes}
        self._results: dict[str, WriteResult] = {}
        self._splits = 0
        for write in writes:
            if error := unsendable(write):
                self._refuse(write, error)

    def applied(self) -> Applied:
        """What is known so far, in the order of the batch."""
        return Applied({ref: self._results[ref] for ref in self._by_ref if ref in self._results})

    def run(self) -> None:
        """All batches in their order, then the associations of meetings that were there already."""
        for batch in batches(w for w in self._by_ref.values() if w.ref not in self._results):
            self._void_orphans(batch)
            batch = self._without(batch, lambda w: w.ref in self._results or _says_nothing(w))
            if batch.writes:
                self._send(batch)
        for write in self._by_ref.values():
            if write.ref not in self._results and _says_nothing(write):
                self._results[write.ref] = WriteResult(write.ref, id=write.id)
        self._relate()

    def _id(self, ref: str) -> str:
        """The id of a written record, empty while it is unknown."""
        write, result = self._by_ref.get(ref), self._results.get(ref)
        if write is not None and write.id:
            return write.id
        return result.id if result is not None and result.ok else ""

    def _void_orphans(self, batch: Batch) -> None:
        """Children whose parent was refused are void: there is no id to refer to."""
        for write in batch.writes:
            if any(not self._id(ref) for ref in write.parents.values()):
                self._results.setdefault(write.ref, WriteResult(write.ref, void=True))

    @staticmethod
    def _without(batch: Batch, out: Callable[[Write], bool]) -> Batch:
        return Batch(batch.object, batch.new, tuple(w for w in batch.writes if not out(w)))

    # -- sending -------------------------------------------------------------------------------

    def _send(self, batch: Batch) -> None:
        answer = self._client.request(
            "POST",
            batch.path,
            json=body_of(batch, self._id),
            purpose="write",
            changes=True,
            refusals=True,
            before=self._before,
        )
        if answer.status >= 400:
            self._refused_whole(batch, answer)
            return
        self._take(batch, answer)

    def _take(self, batch: Batch, answer: Answer) -> None:
        clashes: list[Write] = []
        nameless: list[Mapping[str, Any]] = []
        for entry in answer.rows("errors"):
            if not named_by(entry, batch, self._id, invalid_ids(entry)):
                nameless.append(entry)
            clashes += self._take_error(batch, entry, answer.request_id)
        left = [w for w in batch.writes if w.ref not in self._results and w not in clashes]
        for write, row in _paired(left, answer.rows()):
            self._results[write.ref] = WriteResult(write.ref, id=str(row["id"]), created=batch.new)
            left.remove(write)
        if clashes:
            self._adopt(batch, clashes)
        if nameless and left:
            # refused, and nobody is told who: alone each has its own answer, and our ids keep them from doubling
            self._in_halves(batch, tuple(left), nameless[0], answer.request_id)
            return
        for write in left:
            self._refuse(write, _untold(answer.request_id))

    def _take_error(self, batch: Batch, entry: Mapping[str, Any], request_id: str) -> list[Write]:
        """Refuse what an error names; the writes whose record is there already are given back."""
        named = named_by(entry, batch, self._id, invalid_ids(entry))
        clashes = []
        for write in named:
            if batch.new and write.key is not None and clashing(entry, write.key[0]):
                clashes.append(write)
            else:
                self._refuse(write, self._told(write, entry, request_id))
        return clashes

    def _told(self, write: Write, entry: Mapping[str, Any], request_id: str) -> InstepError:
        """What a refusal means for this write: an address in use names its contact, or blames a change."""
        error = error_of(entry, request_id=request_id)
        if error.scope is Scope.CONNECTION or error.code != DOUBLED:
            return error
        if write.id:
            error.code, error.fields, error.scope = TAKEN, (names.EMAIL,), Scope.FIELD
        elif not error.matches:
            address = str(write.values.get(names.EMAIL) or "")
            found = batch_read(self._client, names.CONTACT, [address], (names.EMAIL,), names.EMAIL)
            error.matches = tuple((names.CONTACT, str(row["id"])) for row in found)
        return error

    def _refused_whole(self, batch: Batch, answer: Answer) -> None:
        """A batch refused as a whole has changed nothing: it goes again without what is named, or in halves."""
        if len(batch.writes) == 1:
            self._refused_alone(batch, answer)
            return
        clashes: list[Write] = []
        body = answer.body if isinstance(answer.body, Mapping) else {}
        for entry in (body, *answer.rows("errors")):
            clashes += self._take_error(batch, {**body, **entry}, answer.request_id)
        if clashes:
            self._adopt(batch, clashes)
        left = tuple(w for w in batch.writes if w.ref not in self._results and w not in clashes)
        if len(left) == len(batch.writes):
            self._in_halves(batch, left, body, answer.request_id)
        elif left:
            self._send(Batch(batch.object, batch.new, left))

    def _in_halves(
        self, batch: Batch, writes: tuple[Write, ...], said: Mapping[str, Any], request_id: str
    ) -> None:
        """Look for whom a refusal without a name means; not for ever, for calls are the customer's."""
        self._splits += 1
        if len(writes) == 1 or self._splits > _SPLITS:
            for write in writes:
                self._refuse(write, self._told(write, said, request_id))
            return
        middle = len(writes) // 2
        for part in (writes[:middle], writes[middle:]):
            self._send(Batch(batch.object, batch.new, part))

    def _refused_alone(self, batch: Batch, answer: Answer) -> None:
        [write] = batch.writes
        body = answer.body if isinstance(answer.body, Mapping) else {}
        if batch.new and write.key is not None and clashing(body, write.key[0]):
            self._adopt(batch, [write])
        else:
            self._refuse(write, self._told(write, body, answer.request_id))

    # -- what is there already -----------------------------------------------------------------

    def _adopt(self, batch: Batch, writes: Sequence[Write]) -> None:
        """Records that carry our id already: meetings are changed, people are handed back for the rules to plan."""
        keys = {w.key[1]: w for w in writes if w.key is not None}
        key_field = next(w.key[0] for w in writes if w.key is not None)
        rows = batch_read(self._client, batch.object, list(keys), (key_field,), key_field)
        ids = {str((row.get("properties") or {}).get(key_field) or ""): str(row["id"]) for row in rows}
        known: dict[str, str] = {}
        for key, write in keys.items():
            record_id = ids.get(key, "")
            if not record_id:
                self._refuse(write, _vanished(batch.object))
            elif batch.object == names.CONTACT:
                self._refuse(write, _ours_already(record_id))
            else:
                known[write.ref] = record_id
        if known:
            self._change(batch, [w for w in writes if w.ref in known], known)

    def _change(self, batch: Batch, writes: Sequence[Write], ids: Mapping[str, str]) -> None:
        body = {
            "inputs": [
                {"id": ids[w.ref], "properties": properties_of(w.values), "objectWriteTraceId": w.ref}
                for w in writes
            ]
        }
        there = Batch(batch.object, False, tuple(writes))
        answer = self._client.request(
            "POST",
            there.path,
            json=body,
            purpose="write",
            changes=True,
            refusals=True,
            before=self._before,
        )
        for write in writes:
            self._results[write.ref] = WriteResult(write.ref, id=ids[write.ref])
        entries = answer.rows("errors") if answer.status < 400 else [answer.body]
        for entry in entries:
            named = named_by(entry, there, self._id, frozenset()) or list(writes)
            for write in named:
                self._refuse(write, error_of(entry, request_id=answer.request_id))

    # -- associations --------------------------------------------------------------------------

    def _relate(self) -> None:
        """Associate meetings that were there already; those that were made came with theirs."""
        wanted: list[Relating] = []
        for ref, result in self._results.items():
            write = self._by_ref[ref]
            if write.object != names.MEETING or not result.ok or result.created:
                continue
            now = contacts_of(write, self._id)
            gone = contacts_left(write, now) if write.id else ()
            if now or gone:
                wanted.append(Relating(ref, result.id, now, gone))
        for ref, error in relate(self._client, wanted, self._before).items():
            self._refuse(self._by_ref[ref], error)

    def _refuse(self, write: Write, error: InstepError) -> None:
        if error.scope is Scope.CONNECTION:
            raise error
        self._results[write.ref] = WriteResult(write.ref, error=error)


def _says_nothing(write: Write) -> bool:
    """Whether a known record has no property to change, only associations."""
    return bool(write.id) and not properties_of(write.values)


def _paired(
    writes: Sequence[Write], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Write, Mapping[str, Any]]]:
    """Which answer belongs to which write: by trace id, by our id, by record id; else by place."""
    by_trace = {str(row["objectWriteTraceId"]): row for row in rows if row.get("objectWriteTraceId")}
    by_id = {str(row.get("id")): row for row in rows}
    pairs = []
    for place, write in enumerate(writes):
        row = by_trace.get(write.ref) or _by_key(write, rows)
        row = row or by_id.get(write.id)
        if row is None and len(rows) == len(writes):
            row = rows[place]
        if row is not None and row.get("id"):
            pairs.append((write, row))
    return pairs


def _by_key(write: Write, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    if write.key is None:
        return None
    name, value = write.key
    return next((row for row in rows if (row.get("properties") or {}).get(name) == value), None)


def _untold(request_id: str) -> Retry:
    return Retry(
        "HubSpot's answer does not say what became of the record.",
        code="bad_answer",
        cure="It is looked for before it is written again.",
        request_id=request_id,
        outcome_unknown=True,
    )


def _vanished(object_name: str) -> Retry:
    return Retry(
        f"HubSpot says that this {object_name} is there already, and does not show it.",
        code=NOT_THERE,
        cure="It is tried again by itself.",
    )


def _ours_already(record_id: str) -> InstepError:
    return InputError(
        "A contact with Instep's id of this person is there already.",
        code=DOUBLED,
        matches=((names.CONTACT, record_id),),
    )

"""The form of the creation rules: one part for each object, with the documented choices and an example under each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from django import forms
from django.utils.translation import gettext as _

from instep.core.creation import Duplicates, Guests, OwnerRule, Ownership, PersonAccounts
from instep.core.crm_schema import ObjectSchema, Schema
from instep.core.profile import Profile
from instep.core.rules import SyncConfig, case_calendars, data_rule, with_case_calendars, with_data_rule
from instep.web.creation_words import DATA_WORDS, MIXED, OVERRIDE, OWNER_WORDS, examples_of
from instep.web.crm_words import words_of


@frozen
class Option:
    """One choice with its example."""

    tag: Any
    word: str
    example: str
    id: str


@frozen
class Part:
    """One object's card: the names of its fields, and what is always so."""

    slug: str
    title: str
    fields: tuple[str, ...]
    always: tuple[str, ...] = ()


class CreationForm(forms.Form):
    """Everything that creation rules can say. Which fields there are depends on the CRM and on the org."""

    def __init__(
        self,
        data: Any,
        config: SyncConfig,
        profile: Profile,
        schema: Schema,
        calendars: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__(data)
        self.config, self.profile, self.schema = config, profile, schema
        self.words = words_of(profile.vendor)
        self.parts: list[Part] = []
        self._questions(calendars)
        for name in profile.choices:
            self._person(name)
        self._company()
        self._case()
        self._activity()
        self._everywhere()

    def options(self, name: str) -> Iterator[Option]:
        """The choices of a radio field, each with its example."""
        of, _dash, kind = name.rpartition("-")
        examples = examples_of(self.profile, of)
        for tag in self[name]:
            value = str(tag.data["value"])
            yield Option(
                tag.tag(),
                tag.choice_label,
                self._said(examples.get((kind, value), "")),
                f"{tag.id_for_label}_example",
            )

    def change(self, config: SyncConfig) -> SyncConfig:
        """What was chosen, on top of a configuration."""
        chosen = self.cleaned_data
        done = evolve(
            config,
            person_object=chosen.get("new_contacts") or config.person_object,
            events=chosen["events"],
            person_accounts=PersonAccounts(chosen.get("person_accounts") or config.person_accounts),
            duplicates=Duplicates(chosen.get("duplicates") or config.duplicates),
            guests=Guests(chosen["guests"]),
            deleted_event=chosen["deleted_event"],
            always_write=chosen["always_write"],
            owners=self._owners(config, chosen),
            record_types=self._record_types(config, chosen),
        )
        for name in (n.removesuffix("-data") for n in self.fields if n.endswith("-data")):
            if chosen[f"{name}-data"] != MIXED:
                done = with_data_rule(done, name, chosen[f"{name}-data"] == OVERRIDE)
        if "case_calendars" in chosen:
            done = with_case_calendars(done, chosen["case_calendars"])
        return done

    def fault(self, words: str) -> None:
        """Put a fault of the whole configuration at the field that it is about."""
        place = words.partition(":")[0].split(".")
        names = {
            "new_contacts": "new_contacts",
            "person_accounts": "person_accounts",
            "calendars": "case_calendars",
            "owners": f"{place[1]}-{place[2]}" if len(place) > 2 else "",
            "record_types": f"{place[1]}-type" if len(place) > 1 else "",
        }
        name = names.get(place[0], "")
        self.add_error(name if name in self.fields else None, words.partition(": ")[2] or words)

    def _questions(self, calendars: Sequence[tuple[str, str]]) -> None:
        if len(self.profile.choices) > 1:
            self._radio("new_contacts", _("When New Contacts are Created In Instep"), self.config.person_object, [
                (name, _("Create or update a %(object)s") % {"object": name.lower()}) for name in self.profile.choices
            ])  # fmt: skip
        made = {"meetings": str(self.words.meetings).lower(), "crm": self.profile.label}
        self._check("events", _("Create %(meetings)s in %(crm)s for all Meetings") % made, self.config.events)
        if self.profile.case is not None:
            self.fields["case_calendars"] = forms.MultipleChoiceField(
                label=_("Create cases in %(crm)s for meetings booked from specific Booking Calendars")
                % {"crm": self.profile.label},
                choices=calendars,
                initial=list(case_calendars(self.config)),
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=_(
                    "The guest's Contact is found by e-mail, or created if there is none. The Event is related to "
                    "the Case."
                ),
            )

    def _person(self, name: str) -> None:
        assigned = name in self.profile.assigned
        rule = self.config.owner(name)
        self._data(name)
        self._owner(f"{name}-existing", _existing_owner(name), rule.existing, assigned, keep=True)
        by_link = next(person.link for person in self.profile.persons if person.name == name)
        always = [
            _("Found by the record id of the link, else by e-mail. Of several, the most recently modified.")
            if by_link
            else _(
                "Found by e-mail, or by phone where there is no e-mail. Of several, the most recently modified."
            ),
            _every_value(name),
        ]
        if assigned:
            self._owner(f"{name}-new", _new_owner(name), rule.new, assigned)
        else:
            always.append(
                _("A new %(object)s always belongs to the Booking page Owner, the host.") % {"object": name}
            )
        self._type(name)
        self._part(name, always)

    def _company(self) -> None:
        company = self.profile.company
        if company is None:
            return
        self._data(company.name)
        self._type(company.name)
        twin = next((p for p in self.profile.persons if p.twin is not None), None)
        described = self.schema.get(company.name)
        names = [f"{company.name}-data", f"{company.name}-type"]
        if (
            twin is not None
            and twin.twin is not None
            and described is not None
            and described.get(twin.twin.flag)
        ):
            self._radio("person_accounts", _("New people as person accounts"), self.config.person_accounts.value, [
                (PersonAccounts.NEVER.value, _("Never")),
                (PersonAccounts.WITHOUT_COMPANY.value, _("Who names no company")),
                (PersonAccounts.ALWAYS.value, _("Everybody")),
            ])  # fmt: skip
            self._type(twin.role, _("Record type of new person accounts"), company.name)
            names += ["person_accounts", f"{twin.role}-type"]
        always = [
            _("With a new Contact, an Account that does not exist is always created, by the company's name."),
            _every_value(company.name),
        ]
        self.parts.append(
            Part("account", company.name, tuple(n for n in names if n in self.fields), tuple(always))
        )

    def _case(self) -> None:
        case = self.profile.case
        if case is None:
            return
        rule, assigned = self.config.owner(case.name), case.name in self.profile.assigned
        self._data(case.name)
        self._owner(f"{case.name}-existing", _existing_owner(case.name), rule.existing, assigned, keep=True)
        self._owner(f"{case.name}-new", _new_owner(case.name), rule.new, assigned)
        self._type(case.name)
        self._part(case.name, [
            _("A Case that exists is known by the record id of the link only, never by e-mail."),
            _("Its Contact is always updated too, by the Contact's rules."),
            _every_value(case.name),
        ])  # fmt: skip

    def _activity(self) -> None:
        name = self.profile.activity.name
        self._type(name)
        self._radio("guests", _("Further guests of a meeting"), self.config.guests.value, [
            (Guests.LIST.value, _("List them")),
            (Guests.RELATE.value, self._said(_("List them, and relate those who are in %(crm)s"))),
            (Guests.RECORDS.value, _("List and relate them, and make records for all others")),
        ])  # fmt: skip
        deleted = self._said(_("%(a_meeting)s that somebody deleted"))
        self._radio("deleted_event", deleted, self.config.deleted_event, [
            ("recreate", _("Make it again")),
            ("leave", _("Leave it deleted")),
        ])  # fmt: skip
        names = [n for n in (f"{name}-type", "guests", "deleted_event") if n in self.fields]
        self.parts.append(
            Part(
                "event",
                name,
                tuple(names),
                (self._said(_("%(a_meeting)s always mirrors its booking, and belongs to the host.")),),
            )
        )

    def _everywhere(self) -> None:
        if self.profile.duplicate_rules:
            self._radio("duplicates", _("A duplicate rule refuses a new person"), self.config.duplicates.value, [
                (Duplicates.MATCH.value, _("Use the record that it names")),
                (Duplicates.SAVE.value, _("Save anyway")),
            ])  # fmt: skip
        self._check(
            "always_write",
            _("Write again what a person changed, where Overwrite is on"),
            self.config.always_write,
            self._said(
                _(
                    "Otherwise a value that somebody changed in %(crm)s stays until the booking's own value changes."
                )
            ),
        )
        names = tuple(name for name in ("duplicates", "always_write") if name in self.fields)
        self.parts.append(Part("all", _("All records"), names))

    def _said(self, text: Any) -> str:
        """A text with the CRM's own words in it."""
        words = self.words
        said = {
            "meeting": words.meeting,
            "a_meeting": words.a_meeting,
            "related": words.related,
            "crm": self.profile.label,
        }
        return str(text) % said if "%(" in str(text) else str(text)

    def _part(self, name: str, always: Sequence[str]) -> None:
        names = (f"{name}-{kind}" for kind in ("data", "existing", "new", "type"))
        self.parts.append(
            Part(name.lower(), name, tuple(n for n in names if n in self.fields), tuple(always))
        )

    def _data(self, name: str) -> None:
        said = data_rule(self.config, name)
        choices = [*DATA_WORDS, *([(MIXED, _("As each row of the mapping says"))] if said == MIXED else [])]
        self._radio(f"{name}-data", _("Data of an existing %(object)s") % {"object": name}, said, choices)

    def _owner(self, name: str, label: str, said: Ownership, assigned: bool, keep: bool = False) -> None:
        offered = [
            *([Ownership.KEEP] if keep else []),
            Ownership.HOST,
            *([Ownership.RULES] if assigned else []),
        ]
        self._radio(name, label, said.value, [(one.value, OWNER_WORDS[one]) for one in offered])

    def _type(self, role: str, label: str = "", object_name: str = "") -> None:
        choices = record_type_choices(
            self.schema.get(object_name or role),
            self.config.record_types.get(role, ""),
            people=bool(object_name),
        )
        if choices:
            self.fields[f"{role}-type"] = forms.ChoiceField(
                label=label or _("Record type of new records"),
                choices=[
                    ("", users_default(self.schema.get(object_name or role), people=bool(object_name))),
                    *choices,
                ],
                initial=self.config.record_types.get(role, ""),
                required=False,
                help_text=_(
                    "The default is that of the connected user. A booking calendar can choose another."
                ),
            )

    def _radio(self, name: str, label: str, said: str, choices: Sequence[tuple[str, Any]]) -> None:
        crm = {"crm": self.profile.label}
        named = [(value, str(word) % crm if "%(" in str(word) else word) for value, word in choices]
        self.fields[name] = forms.ChoiceField(
            label=label, choices=named, initial=said, widget=forms.RadioSelect
        )

    def _check(self, name: str, label: str, said: bool, help_text: str = "") -> None:
        self.fields[name] = forms.BooleanField(label=label, initial=said, required=False, help_text=help_text)

    def _owners(self, config: SyncConfig, chosen: Mapping[str, Any]) -> dict[str, OwnerRule]:
        owners = dict(config.owners)
        for name in {n.partition("-")[0] for n in self.fields if n.endswith(("-existing", "-new"))}:
            usual = config.owner(name)
            rule = OwnerRule(
                Ownership(chosen.get(f"{name}-existing") or usual.existing),
                Ownership(chosen.get(f"{name}-new") or usual.new),
            )
            if rule != usual:
                owners[name] = rule
        return owners

    def _record_types(self, config: SyncConfig, chosen: Mapping[str, Any]) -> dict[str, str]:
        types = dict(config.record_types)
        for field_name in (n for n in self.fields if n.endswith("-type")):
            types[field_name.removesuffix("-type")] = chosen[field_name]
        return {role: wanted for role, wanted in types.items() if wanted}


def _existing_owner(name: str) -> str:
    return _("Owner of an existing %(object)s") % {"object": name}


def _new_owner(name: str) -> str:
    return _("Owner of a new %(object)s") % {"object": name}


def _every_value(name: str) -> str:
    """New records have no data rule to choose: there is nothing that could be kept."""
    return _("A new %(object)s gets every mapped value.") % {"object": name}


def users_default(described: ObjectSchema | None, *, people: bool = False) -> str:
    """What new records get where nobody chose a record type, by its name where the CRM tells it.

    The default of Accounts may be one of person accounts, which is none for companies, and the other way round.
    """
    types = described.record_types if described is not None else ()
    fitting = (t.name for t in types if t.default and t.available and t.person in (None, people))
    name = next(fitting, "")
    # short enough to be read whole on a phone
    return _("%(name)s (default)") % {"name": name} if name else _("The user's default")


def record_type_choices(
    described: ObjectSchema | None, chosen: str, *, people: bool = False
) -> list[tuple[str, str]]:
    """The record types that the connected user may give new records; one that was chosen before is never lost.

    `people` asks for those of person accounts, which fit no company's Account, nor the other way round.
    """
    types = described.record_types if described is not None else ()
    fitting = [t for t in types if t.available and not t.master and t.person in (None, people)]
    choices = [(t.developer_name or t.id, t.name) for t in fitting]
    known = {key for key, _name in choices} | {t.id for t in types}
    if chosen and chosen not in known:
        choices.append((chosen, _("%(name)s (missing or not allowed)") % {"name": chosen}))
    elif chosen and chosen not in {key for key, _name in choices}:
        choices += [(t.id, t.name) for t in types if t.id == chosen]
    return choices

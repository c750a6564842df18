"""How the people who set up a CRM find an object or a field there: by its label, with the API name beside it once."""

from __future__ import annotations

from attrs import frozen
from django.utils.translation import gettext

from instep.core.crm_schema import Field, Schema
from instep.core.required_advice import called
from instep.crm.salesforce.names import ACTIVITY, EVENT


@frozen
class Named:
    """What a problem is about, in words; `first` tells the API name too, for where it is named first."""

    object: str
    field: str
    first: str

    def said(self, texts: list[str]) -> list[str]:
        """Texts with `%(object)s` and `%(field)s` in them, in their order."""
        done, field = [], self.first
        for text in texts:
            done.append(text % {"object": self.object, "field": field} if "%(" in text else text)
            field = self.field if "%(field)s" in text else field
        return done


def named(schema: Schema, subject: str) -> Named:
    """The words for "Lead.Region__c", "Lead" or nothing; a hidden field has no label, and a record type is its own."""
    name, _dot, field = subject.partition(".")
    described = schema.get(name)
    target = described.get(field) if described is not None and field else None
    if target is not None:
        return Named(setup_object(name, target), target.label, called(target))
    field = field or gettext("the field")
    return Named(name or gettext("the object"), field, field)


def setup_object(name: str, target: Field) -> str:
    """The object under which a field is set up: custom fields of Events belong to another one there."""
    return ACTIVITY if name == EVENT and target.custom else name

"""Validation rules: the admin's own formulas, each with the message that people read."""

from . import errors, formulas
from .call import Caller
from .errors import RowError
from .schema import SObject
from .tables import Record


def check(caller: Caller, obj: SObject, record: Record, old: Record | None) -> None:
    """Refuse a record for every active rule that its values meet; all of them are named, as Salesforce does."""
    org = caller.org
    rules = [
        row
        for row in org.tables.rows("ValidationRule").values()
        if row.get("EntityDefinitionId") == obj.name and row.get("Active") and row.get("Metadata")
    ]
    scope = formulas.Scope(org, org.catalogue[obj.name], record, old, caller.user_id)
    met = [rule for rule in rules if formulas.holds(rule["Metadata"]["errorConditionFormula"], scope)]
    if not met:
        return
    refusals = [
        RowError(
            errors.FIELD_CUSTOM_VALIDATION,
            rule["ErrorMessage"],
            [rule["ErrorDisplayField"]] if rule.get("ErrorDisplayField") else [],
        )
        for rule in met
    ]
    refusals[0].others = refusals[1:]
    raise refusals[0]

"""The connector's fields and permission set in the org: deployed, assigned, verified; safe to repeat.

A field that is deployed without a permission set is invisible to everybody, administrators included
(reference 4), so fields and permission set go in one deployment that rolls back as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from instep.core.errors import Bug, NeedsAdmin, Retry, Scope
from instep.crm.salesforce import names
from instep.crm.salesforce.client import SalesforceClient
from instep.crm.salesforce.describe import describe, schema_of
from instep.crm.salesforce.observe import run_alone
from instep.crm.salesforce.package import zip_bytes
from instep.crm.salesforce.soql import Statement, equal

#: Seconds between two looks at a deployment, growing; and how long we wait in all.
_FIRST_PAUSE, _LONGEST_PAUSE, _PATIENCE = 0.2, 10.0, 600.0
_DEPLOY_OPTIONS = (
    b'{"deployOptions":{"checkOnly":false,"singlePackage":true,"rollbackOnError":true,'
    b'"ignoreWarnings":false,"testLevel":"NoTestRun","allowMissingFiles":false,'
    b'"autoUpdatePackage":false,"purgeOnDelete":false}}'
)
_RIGHTS_CURE = (
    "Connect once as an administrator (Customize Application and Modify Metadata), or let an administrator "
    "deploy the zip file by hand."
)


def install(
    client: SalesforceClient, user_id: str, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Deploy, assign to the API user, verify by fresh describes.

    Returns {"fields": {"Event.X": bool}, "permission_set": bool, "assigned": bool, "created": [...],
    "complete": bool}. Raises NeedsAdmin naming the component, the problem and the cure.
    """
    try:
        details = _deploy(client, sleep)
        set_id = _permission_set_id(client)
        assigned = _assign(client, set_id, user_id)
    except (NeedsAdmin, Bug) as error:
        if error.scope is Scope.CONNECTION:
            raise
        raise NeedsAdmin(
            f"The connector's fields could not be installed: {error.message}",
            code=error.code,
            cure=_RIGHTS_CURE,
            scope=Scope.CONNECTION,
            request_id=error.request_id,
        ) from error
    fields = field_report(client)
    missing = [name for name, visible in fields.items() if not visible]
    if missing:
        raise NeedsAdmin(
            f"The fields {', '.join(missing)} were deployed, but the connected user cannot edit them.",
            code="fields_hidden",
            cure=f"Assign the permission set {names.CONNECTOR_LABEL} to the connected user.",
            scope=Scope.CONNECTION,
            fields=tuple(missing),
        )
    created = [c["fullName"] for c in details.get("componentSuccesses") or () if c.get("created")]
    return {
        "fields": fields,
        "permission_set": True,
        "assigned": assigned,
        "created": created,
        "complete": True,
    }


def preflight(client: SalesforceClient, user_id: str) -> dict[str, Any]:
    """What the connected user lacks, without changing anything (reference 1.10).

    Returns {"fields": {"Event.X": bool}, "objects": {name: [missing rights]}, "permission_set": bool or None,
    "assigned": bool or None, "user": {permission: bool}, "complete": bool}. None and absent permissions: the user may
    not know.
    """
    wanted = (*names.OBJECTS_TO_GRANT, names.EVENT)
    documents = describe(client, wanted)
    schemas = {name: schema_of(document) for name, document in documents.items()}
    objects: dict[str, list[str]] = {}
    for name in wanted:
        schema = schemas.get(name)
        rights = (
            {"read": schema.queryable, "create": schema.createable, "edit": schema.updateable}
            if schema
            else dict.fromkeys(("read", "create", "edit"), False)
        )
        objects[name] = [right for right, given in rights.items() if not given]
    fields = _fields_seen(documents)
    there, assigned = _set_seen(client, user_id)
    return {
        "fields": fields,
        "objects": objects,
        "permission_set": there,
        "assigned": assigned,
        "user": _user_permissions(client),
        "complete": all(fields.values()) and not any(objects.values()),
    }


def _set_seen(client: SalesforceClient, user_id: str) -> tuple[bool | None, bool | None]:
    """Whether the permission set is there and assigned; None where the user may not view the setup."""
    try:
        found = run_alone(client, _PERMISSION_SET)
        return bool(found), bool(found) and _is_assigned(client, str(found[0]["Id"]), user_id)
    except NeedsAdmin as error:
        if error.scope is Scope.CONNECTION:
            raise
        return None, None


def _user_permissions(client: SalesforceClient) -> dict[str, bool]:
    """What the connected user may do in general, by `names.USER_RIGHTS`; those that an org does not tell are left out.

    The describe is asked first: which permissions there are differs from org to org (reference 1.10).
    """
    try:
        document = describe(client, (names.USER_ACCESS,)).get(names.USER_ACCESS)
        described = schema_of(document) if document else None
        known = [name for name in names.USER_RIGHTS if described and described.get(f"Permissions{name}")]
        if not known:
            return {}
        select = ", ".join(f"Permissions{name}" for name in known)
        # one row, the running user's own: there is nothing to narrow it by
        statement = Statement(f"SELECT {select} FROM {names.USER_ACCESS} LIMIT 1", names.USER_ACCESS)  # noqa: S608
        rows = run_alone(client, statement)
    except NeedsAdmin as error:
        if error.scope is Scope.CONNECTION:
            raise
        return {}
    return {name: bool(rows[0].get(f"Permissions{name}")) for name in known} if rows else {}


def field_report(client: SalesforceClient) -> dict[str, bool]:
    """Which of our fields the connected user can read and edit, by "Object.Field"; asked afresh."""
    return _fields_seen(describe(client, tuple(names.OUR_FIELDS)))


def _fields_seen(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    report: dict[str, bool] = {}
    for object_name, fields in names.OUR_FIELDS.items():
        schema = schema_of(documents[object_name]) if object_name in documents else None
        for name in fields:
            field = schema.get(name) if schema else None
            report[f"{object_name}.{name}"] = bool(field and field.createable and field.updateable)
    return report


# -- deployment --------------------------------------------------------------------------------


def _deploy(client: SalesforceClient, sleep: Callable[[float], None]) -> Mapping[str, Any]:
    answer = client.request(
        "POST",
        "/metadata/deployRequest",
        files=[
            ("json", (None, _DEPLOY_OPTIONS, "application/json")),
            ("file", ("deploy.zip", zip_bytes(client.version), "application/zip")),
        ],
        purpose="install",
        changes=True,
    )
    deploy_id = answer.body.get("id") if isinstance(answer.body, dict) else None
    if not deploy_id:
        raise NeedsAdmin(
            "Salesforce did not accept the deployment of the connector's fields.",
            code="deploy_refused",
            cure=_RIGHTS_CURE,
            scope=Scope.CONNECTION,
        )
    result = _wait_for(client, str(deploy_id), sleep)
    details = result.get("details") or {}
    if result.get("success"):
        return details if isinstance(details, Mapping) else {}
    raise NeedsAdmin(
        f"Salesforce refused the deployment of the connector's fields: {_problems(result, details)}.",
        code="deploy_failed",
        cure=_RIGHTS_CURE,
        scope=Scope.CONNECTION,
    )


def _wait_for(client: SalesforceClient, deploy_id: str, sleep: Callable[[float], None]) -> Mapping[str, Any]:
    pause, waited = _FIRST_PAUSE, 0.0
    while waited < _PATIENCE:
        path = f"/metadata/deployRequest/{deploy_id}?includeDetails=true"
        answer = client.request("GET", path, purpose="install: wait")
        result = answer.body.get("deployResult") if isinstance(answer.body, dict) else None
        if isinstance(result, Mapping) and result.get("done"):
            return result
        sleep(pause)
        waited += pause
        pause = min(pause * 1.6, _LONGEST_PAUSE)
    raise Retry(
        f"Salesforce has not finished the deployment {deploy_id} within {_PATIENCE:.0f} seconds.",
        code="deploy_slow",
        cure="Look at Deployment Status in Salesforce's setup, then install again.",
        scope=Scope.CONNECTION,
    )


def _problems(result: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    failures = [f"{f.get('fullName')} ({f.get('problem')})" for f in details.get("componentFailures") or ()]
    return "; ".join(failures) or str(result.get("errorMessage") or result.get("status") or "no reason given")


# -- assignment --------------------------------------------------------------------------------

_PERMISSION_SET = equal(names.PERMISSION_SET, ("Id",), {"Name": names.CONNECTOR})


def _permission_set_id(client: SalesforceClient) -> str:
    found = run_alone(client, _PERMISSION_SET)
    if not found:
        raise NeedsAdmin(
            f"The permission set {names.CONNECTOR_LABEL} is not in the org after its deployment.",
            code="permission_set_missing",
            cure="Allow the connected user to view setup, then install again.",
            scope=Scope.CONNECTION,
        )
    return str(found[0]["Id"])


def _is_assigned(client: SalesforceClient, set_id: str, user_id: str) -> bool:
    wanted = {"AssigneeId": user_id, "PermissionSetId": set_id}
    return bool(run_alone(client, equal(names.PERMISSION_SET_ASSIGNMENT, ("Id",), wanted)))


def _assign(client: SalesforceClient, set_id: str, user_id: str) -> bool:
    if not _is_assigned(client, set_id, user_id):
        client.request(
            "POST",
            f"/sobjects/{names.PERMISSION_SET_ASSIGNMENT}",
            json={"AssigneeId": user_id, "PermissionSetId": set_id},
            purpose="install: assign",
            changes=True,
        )
    return True

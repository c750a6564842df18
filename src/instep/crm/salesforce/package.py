"""The connector's metadata as a package: our fields and the permission set, in the metadata format."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

from instep.crm.new_field import NewField
from instep.crm.salesforce import names

#: The same bytes each time: a deployment that changed shows in a comparison.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


CREATES = tuple(
    NewField(name, field, names.LABELS[field], field in (names.EVENT_STATUS, names.REASON))
    for name, fields in names.OUR_FIELDS.items()
    for field in fields
)


def zip_bytes(api_version: str = names.NEWEST_VERSION) -> bytes:
    """The deployment as a zip file, the same bytes each time; for admins who deploy by hand, too."""
    files = {"package.xml": _package_xml(api_version)}
    for object_name, fields in _custom_fields().items():
        files[f"objects/{object_name}.object"] = _object_xml(fields)
    files[f"permissionsets/{names.CONNECTOR}.permissionset"] = _permission_set_xml()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _custom_fields() -> dict[str, list[str]]:
    booking_id = _text_id(names.BOOKING_ID, "The booking's id in the source it came from.")
    contact_id = _text_id(names.CONTACT_ID, "Instep's id of this person, set when Instep made the record.")
    return {
        names.ACTIVITY: [_status_field(), _reason_field(), booking_id],
        names.CASE: [booking_id],
        names.LEAD: [contact_id],
        names.CONTACT: [contact_id],
    }


def _field_xml(name: str, kind: str, body: str) -> str:
    return (
        f"    <fields>\n        <fullName>{name}</fullName>\n{body}"
        f"        <label>{escape(names.LABELS[name])}</label>\n        <required>false</required>\n"
        f"        <type>{kind}</type>\n    </fields>\n"
    )


def _text_id(name: str, description: str) -> str:
    return _field_xml(
        name,
        "Text",
        "        <caseSensitive>false</caseSensitive>\n"
        f"        <description>{escape(description)}</description>\n"
        "        <externalId>true</externalId>\n        <length>255</length>\n"
        "        <unique>true</unique>\n",
    )


def _reason_field() -> str:
    return _field_xml(
        names.REASON,
        "TextArea",
        "        <description>Why the booking was canceled or rescheduled last.</description>\n",
    )


def _status_field() -> str:
    values = "".join(
        f"                <value>\n                    <fullName>{escape(text)}</fullName>\n"
        f"                    <default>false</default>\n                    <label>{escape(text)}</label>\n"
        "                </value>\n"
        for text in names.STATUS_TEXTS
    )
    return _field_xml(
        names.EVENT_STATUS,
        "Picklist",
        "        <description>What became of the booking.</description>\n        <valueSet>\n"
        "            <restricted>false</restricted>\n            <valueSetDefinition>\n"
        f"                <sorted>false</sorted>\n{values}"
        "            </valueSetDefinition>\n        </valueSet>\n",
    )


def _object_xml(fields: list[str]) -> str:
    return f'{_XML}<CustomObject xmlns="{_NAMESPACE}">\n{"".join(fields)}</CustomObject>\n'


def _package_xml(api_version: str) -> str:
    members = [
        f"{names.ACTIVITY if name == names.EVENT else name}.{field}"
        for name, fields in names.OUR_FIELDS.items()
        for field in fields
    ]
    listed = "".join(f"        <members>{member}</members>\n" for member in sorted(members))
    return (
        f'{_XML}<Package xmlns="{_NAMESPACE}">\n'
        f"    <types>\n{listed}        <name>CustomField</name>\n    </types>\n"
        f"    <types>\n        <members>{names.CONNECTOR}</members>\n"
        f"        <name>{names.PERMISSION_SET}</name>\n    </types>\n"
        f"    <version>{api_version}</version>\n</Package>\n"
    )


def _permission_set_xml() -> str:
    granted = [f"{name}.{field}" for name, fields in names.OUR_FIELDS.items() for field in fields]
    granted += [f"{name}.{field}" for name, fields in names.FIELDS_TO_GRANT.items() for field in fields]
    fields = "".join(
        f"    <fieldPermissions>\n        <editable>true</editable>\n        <field>{name}</field>\n"
        "        <readable>true</readable>\n    </fieldPermissions>\n"
        for name in sorted(granted)
    )
    objects = "".join(
        "    <objectPermissions>\n        <allowCreate>true</allowCreate>\n"
        "        <allowDelete>false</allowDelete>\n        <allowEdit>true</allowEdit>\n"
        "        <allowRead>true</allowRead>\n        <modifyAllRecords>false</modifyAllRecords>\n"
        f"        <object>{name}</object>\n        <viewAllRecords>false</viewAllRecords>\n"
        "    </objectPermissions>\n"
        for name in names.OBJECTS_TO_GRANT
    )
    users = "".join(
        f"    <userPermissions>\n        <enabled>true</enabled>\n        <name>{name}</name>\n"
        "    </userPermissions>\n"
        for name in names.USER_PERMISSIONS
    )
    return (
        f'{_XML}<PermissionSet xmlns="{_NAMESPACE}">\n'
        "    <description>What Instep needs to keep bookings in step.</description>\n"
        f"{fields}    <hasActivationRequired>false</hasActivationRequired>\n"
        f"    <label>{escape(names.CONNECTOR_LABEL)}</label>\n{objects}{users}</PermissionSet>\n"
    )

"""Record ids as Salesforce makes them: 15 case-sensitive characters, or 18 with a checksum."""

_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ALPHANUMERIC = frozenset(_DIGITS)
_INSTANCE = "Hs00000"  # characters 4 to 10: the pod and the reserved part, the same for a whole org

DEPLOY_PREFIX = "0Af"
CUSTOM_FIELD_PREFIX = "00N"
LOCATOR_PREFIX = "01g"


def checksum(short: str) -> str:
    """The three characters that make a 15-character id safe where case is lost."""
    letters = ""
    for block in (short[0:5], short[5:10], short[10:15]):
        bits = sum(1 << place for place, char in enumerate(block) if "A" <= char <= "Z")
        letters += _CHECKSUM[bits]
    return letters


def mint(prefix: str, number: int) -> str:
    """The 18-character id of the `number`th record with that prefix: the same in every run."""
    tail = ""
    for _ in range(5):
        number, digit = divmod(number, 62)
        tail = _DIGITS[digit] + tail
    short = prefix + _INSTANCE + tail
    return short + checksum(short)


def normalise(value: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None where it is no id at all."""
    if len(value) == 15 and _ALPHANUMERIC.issuperset(value):
        return value + checksum(value)
    if len(value) == 18 and _ALPHANUMERIC.issuperset(value) and checksum(value[:15]) == value[15:].upper():
        return value[:15] + value[15:].upper()
    return None

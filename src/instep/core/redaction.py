"""Taking secrets out of texts that others wrote: a CRM's error may repeat the token that it refuses."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"

#: a key: also one whose line ends were written out, or that was cut off in the middle
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)
#: parts in base64, the first of which begins with {" : an assertion or an identity
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?")
#: tokens that say themselves what they are: a HubSpot private app's, a Salesforce session
_KNOWN = re.compile(r"\bpat-[a-z]{2,4}\d?-[0-9a-f-]{8,}|\b00D\w{12}(?:\w{3})?!(?:[\w.]+)", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic|OAuth)\s+(?=[\w.~+/!=-]*[\d!=])[\w.~+/!=-]{6,}", re.IGNORECASE)


def without_tokens(text: str) -> str:
    """A text without private keys, assertions and tokens, whoever wrote it."""
    for secret in (_PEM, _JWT, _KNOWN):
        text = secret.sub(HIDDEN, text)
    return _BEARER.sub(rf"\1 {HIDDEN}", text)

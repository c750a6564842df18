"""Which addresses may be called: https to the public internet, and what the operator allows beside it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from instep.core.errors import InputError, Scope

#: The entry of an allow-list that stands for this machine's loopback, under any of its own names.
LOOPBACK = "localhost"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

#: The well-known prefix under which IPv6-only networks reach IPv4 (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host in the system's order of preference; raises OSError when there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _plain(text: str) -> Address:
    """An address without its IPv4-in-IPv6 disguises: what is really reached."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    # Python calls what was once site-local and a network's own NAT64 prefix (RFC 8215) global.
    return not (
        isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address in _LOCAL_NAT64)
    )


def _allowed(host: str, address: Address, allow: Sequence[str]) -> bool:
    if _is_public(address) or _is_listed(host, address, allow):
        return True
    # The loopback only by its own names: any name can be made to lead there.
    return address.is_loopback and is_loopback(host) and LOOPBACK in allow


def is_named(host: str, allow: Sequence[str]) -> bool:
    """Whether an allow-list speaks of this very host: by its name, its address, or as the loopback."""
    if is_loopback(host) and LOOPBACK in allow:
        return True
    try:
        return _is_listed(host, _plain(host), allow)
    except ValueError:
        return host.lower() in (entry.lower() for entry in allow)


def _is_listed(host: str, address: Address, allow: Sequence[str]) -> bool:
    for entry in allow:
        if entry.lower() == host.lower():
            return True
        try:
            if address in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue  # the entry is another host's name
    return False


def checked_addresses(host: str, port: int, allow: Sequence[str], resolver: Resolver = resolve) -> list[str]:
    """The addresses of a host that may be connected to; InputError when one of them is private.

    Raises OSError when the name does not resolve: whether that is a typing error or passing trouble is
    the caller's to say.
    """
    addresses = [str(_plain(found)) for found in resolver(host, port)]
    for address in addresses:
        if not _allowed(host, _plain(address), allow):
            raise InputError(
                f"The address {host} leads to {address}, which lies inside a private network.",
                code="url_private",
                cure="Use the CRM's public address, or have the operator add the host to "
                "INSTEP_ALLOW_PRIVATE_URLS.",
                scope=Scope.CONNECTION,
            )
    return addresses


def is_loopback(host: str) -> bool:
    """True for the names and addresses of this machine's own loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return _plain(host).is_loopback
    except ValueError:
        return False


def _bad_url(url: str, cause: str, cure: str) -> InputError:
    return InputError(f"The address {url!r} {cause}", code="url_invalid", cure=cure, scope=Scope.CONNECTION)


def check_url(url: str, allow: Sequence[str] = (), *, resolver: Resolver | None = resolve) -> str:
    """The origin (`https://host[:port]`) of an address that we may call; InputError otherwise.

    https only, except on loopback. Hosts that resolve to private, link-local or reserved addresses are
    refused unless `allow` names the host or its network (CIDR; `LOOPBACK` for this machine). `resolver=None`
    leaves the name service out; the transport checks again when it connects.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_url(url, "cannot be read.", "Write it like https://example.com.") from None
    if not host or parts.scheme not in ("https", "http"):
        raise _bad_url(url, "is not a web address.", "Write it like https://example.com.")
    if parts.username or parts.password:
        raise _bad_url(parts.hostname or "", "contains a user name.", "Leave everything before the @ out.")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_url(url, "is not encrypted.", f"Use https://{parts.netloc}.")
    if resolver is not None:
        try:
            checked_addresses(host, port or (443 if parts.scheme == "https" else 80), allow, resolver)
        except OSError:
            raise _bad_url(url, "was not found in the name service.", "Check the spelling.") from None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")

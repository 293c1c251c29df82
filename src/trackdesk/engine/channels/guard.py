"""Which addresses a channel may reach.

A channel's URL is typed by a user but opened by the server, from inside its network. Addresses that hand out
credentials or that no receiver can have are refused to everyone; the machine itself and private networks are open only
to channels an ADMIN made. The check is made on the very address that is connected to, so a name that
changes its answer gains nothing.
"""

from __future__ import annotations

import errno
import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, a public address that answers only inside
        "192.0.0.192",  # Oracle
        "fd00:42::42",  # Scaleway
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
    )
)
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")


class BlockedAddressError(OSError):
    """The policy refuses the address. An OSError, so that HTTP and mail libraries take it for a failed connection."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)
        self.reason = reason


def unwrap(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 form; any other address as it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _never(address: Address) -> str | None:
    if address.is_loopback:
        return None
    if address.is_link_local or address in _METADATA:
        return "a link-local or metadata address"
    if address.is_multicast or address.is_unspecified or address in _THIS_NETWORK:
        return "a multicast or unspecified address"
    reserved = (
        address.is_reserved
        if isinstance(address, ipaddress.IPv4Address)
        else address not in _GLOBAL_UNICAST and address not in _UNIQUE_LOCAL
    )
    return "a reserved address" if reserved else None


def refusal(text: str, *, trusted: bool) -> str | None:
    """Why `text` may not be connected to, or None when it may. `trusted`: the channel was made by an ADMIN.

    Anything that is no plain IP address is refused too: a name can't be checked before the system has resolved it.
    """
    try:
        # The zone behind a % says over which interface, not to whom, and keeps an address from equalling itself.
        address = unwrap(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return f"{text} is no IP address, so it can't be checked"
    never = _never(address)
    if never is not None:
        return f"{text} is {never}; channels never go there"
    if not address.is_global and not trusted:
        return f"{text} is a loopback or private address; only a channel made by an ADMIN may go there"
    return None


def check(text: str, *, trusted: bool) -> None:
    """Raises BlockedAddressError when `text`, a resolved IP address, may not be connected to."""
    reason = refusal(text, trusted=trusted)
    if reason is not None:
        raise BlockedAddressError(reason)

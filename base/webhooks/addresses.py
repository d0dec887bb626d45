"""Addresses that events may be sent to: https and public alone, looked up once, and connected to as they were looked at.

A name that leads inside is refused whatever it looks like: each address that it has now is judged, and the request goes to
one of these very addresses, so that a name which changes between look and request gains nothing. Outside production the
own machine is allowed, without TLS too, so that a receiver can be tried out.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from base.errors import Invalid

LONGEST_URL = 500
_GLOBAL_6 = IPv6Network("2000::/3")
# Nobody's server, whichever of them the running Python knows of (RFC 6890; relays of tunnels).
_SPECIAL_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_SPECIAL_6 = (
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)
_CARRIES_4 = IPv6Network("64:ff9b::/96")  # NAT64: the last four bytes are an address of the old kind


class AddressRefused(Invalid):
    """Events cannot be sent to this address."""

    zh = "不能向该地址发送事件。"
    next_en = "Give an https address of a server on the public internet, without user name or fragment."
    next_zh = "请提供公网服务器的 https 地址，不含用户名和片段。"


@dataclass(frozen=True)
class Place:
    """Where a request goes: `origin` names the server, `address` is where it is, `target` what is asked there."""

    origin: str
    host: str
    port: int
    target: str
    address: str = ""


def read(url: str) -> Place:
    """The parts of a url; AddressRefused when it cannot be one. Nothing is looked up."""
    if len(url) > LONGEST_URL or not url.isascii() or any(s <= " " or s in "\\\x7f" for s in url):
        raise refused(f"at most {LONGEST_URL} ASCII characters without spaces or backslashes")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refused("it is no web address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise refused("it must begin with https:// and name a server")
    if "@" in parts.netloc or "#" in url:
        raise refused("no user name, password or fragment")
    port = port or (443 if parts.scheme == "https" else 80)
    shown = f"[{host}]" if ":" in host else host
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(f"{parts.scheme}://{shown}:{port}", host, port, target)


def resolved(url: str, *, own_machine: bool) -> Place:
    """The url with the address that its name has now; AddressRefused when any of them is not allowed.

    Asks the name servers: not to be called inside a transaction.
    """
    place = read(url)
    try:
        found = lookup(place.host, place.port)
        addresses = [ip_address(each.partition("%")[0]) for each in found]
    except (OSError, UnicodeError, ValueError):
        raise refused("this name has no address") from None
    own = own_machine and bool(addresses) and all(address.is_loopback for address in addresses)
    if not own and not (addresses and all(is_public(address) for address in addresses)):
        raise refused("it leads to an address that is not public")
    if not own and not place.origin.startswith("https://"):
        raise refused("it must begin with https://")
    return Place(place.origin, place.host, place.port, place.target, found[0])


def lookup(host: str, port: int) -> list[str]:
    """All addresses of a name, as the machine's resolver tells them."""
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is a single server's on the public internet; those that carry another one are judged by it."""
    if isinstance(address, IPv4Address):
        special = any(address in network for network in _SPECIAL_4)
        return address.is_global and not (special or address.is_multicast or address.is_reserved)
    inner = address.ipv4_mapped or (
        IPv4Address(int(address) & 0xFFFF_FFFF) if address in _CARRIES_4 else None
    )
    if inner is not None:
        return is_public(inner)
    special = any(address in network for network in _SPECIAL_6)
    return address in _GLOBAL_6 and address.is_global and not special


def refused(why: str) -> AddressRefused:
    """The refusal, naming the field."""
    return AddressRefused(f"url: {why}", errors=[{"pointer": "/url", "detail": why}])

"""What a request asks for, read from its first bytes as they lie in the socket, before anybody has taken it up."""

from dataclasses import dataclass

READS = 8_192  # bytes; a head that is longer is nothing for here
_METHODS = frozenset((b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"))  # all of them have an answer with a body
_NOT_HERE = (b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:", b"\r\nconnection: close")


@dataclass(frozen=True)
class Head:
    """`path` and `language` (the first that the reader wants, or "") as the application would see them.

    `whole`: how many bytes the request has, when all of them are here and nothing else is; 0 when not.
    """

    path: str
    language: str
    whole: int


def read(lying: bytes) -> Head | None:
    """The head at the beginning of these bytes; None when it is not all there, or is not one of plain HTTP/1.1."""
    end = lying.find(b"\r\n\r\n")
    if end < 0:
        return None
    method, _, rest = lying[: lying.find(b"\r\n")].partition(b" ")
    target, _, version = rest.partition(b" ")
    path = target.partition(b"?")[0]
    if method not in _METHODS or version != b"HTTP/1.1" or not path.startswith(b"/") or b"%" in path:
        return None
    fields = lying[:end].lower()
    language = _field(fields, b"accept-language")[:2].decode("latin-1")
    return Head(path.decode("latin-1"), language, _whole(fields, end + 4, len(lying)))


def _whole(fields: bytes, begins: int, here: int) -> int:
    length = _field(fields, b"content-length") or b"0"
    odd = fields.count(b"\r\ncontent-length:") > 1 or not length.isdigit()
    if odd or any(one in fields for one in _NOT_HERE):
        return 0
    return here if begins + int(length) == here else 0


def _field(fields: bytes, name: bytes) -> bytes:
    _, found, rest = fields.partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else b""

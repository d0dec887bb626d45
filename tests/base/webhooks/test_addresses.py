"""No event reaches an address inside, however it is written; and what was looked at is what is connected to."""

import datetime
import ssl
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from base import calls, clock
from base.webhooks import addresses
from base.webhooks.addresses import AddressRefused
from tests.base.webhooks.receivers import receiving

PUBLIC = "93.184.215.14"
INSIDE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "198.18.0.1", "192.0.0.8", "192.0.2.1", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fc00::1", "fd00::1", "ff02::1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1", "2001::7f00:1", "100::1", "fec0::1",
)  # fmt: skip
WRONG = {
    "": "begin with https",
    "ftp://shop.example/": "begin with https",
    "javascript:alert(1)": "begin with https",
    "file:///etc/passwd": "begin with https",
    "https://": "begin with https",
    "//shop.example/": "begin with https",
    "https://me:secret@shop.example/": "no user name",
    "https://shop.example@10.0.0.1/": "no user name",
    "https://shop.example/#part": "fragment",
    "https://shop.example:99999/": "no web address",
    "https://[::1/": "no web address",
    "https://shop.example/a b": "ASCII",
    "https://shop.example\\@10.0.0.1/": "ASCII",
    "https://shop.example/\r\nHost: x": "ASCII",
    "https://bücher.example/": "ASCII",
    "https://shop.example/" + "x" * 500: "500",
    "http://shop.example/": "https://",
}
# As resolvers read them: numbers in other bases, short forms, a name of this machine.
WRITTEN = (
    "127.1", "127.0.1", "127.000.000.001", "2130706433", "017700000001", "0x7f000001", "0x7f.0x0.0x0.0x1", "0x7f.1", "0177.0.0.1",
    "0177.1", "0", "00000000", "0.0.0.0", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "%31%32%37.0.0.1",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[0000:0000:0000:0000:0000:ffff:7f00:0001]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[::]", "3232235777", "0xc0a80101", "167772161", "2852039166", "0xa9fea9fe",
)  # fmt: skip


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_address_for_events_is_refused_in_words(monkeypatch, url):
    monkeypatch.setattr(addresses, "lookup", lambda host, port: [PUBLIC])

    with pytest.raises(AddressRefused) as refused:
        addresses.resolved(url, own_machine=True)

    assert WRONG[url] in refused.value.detail
    assert refused.value.facts["errors"][0]["pointer"] == "/url"


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.attack("A14")
def test_a_name_that_leads_inside_is_refused_beside_whichever_other(monkeypatch, address):
    assert not addresses.is_public(ip_address(address))
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        monkeypatch.setattr(addresses, "lookup", lambda host, port, found=found: found)
        with pytest.raises(AddressRefused, match="not public"):
            addresses.resolved("https://shop.example/", own_machine=False)


@pytest.mark.attack("A14")
def test_that_many_ways_are_tried():
    assert len({*INSIDE, *WRITTEN}) >= 60


@pytest.mark.parametrize("host", WRITTEN)
@pytest.mark.attack("A14")
def test_no_way_of_writing_the_own_machine_gets_through(host):
    with pytest.raises(AddressRefused):
        addresses.resolved(f"https://{host}/", own_machine=False)


def test_public_ones_are_taken_as_they_were_found(monkeypatch):
    monkeypatch.setattr(addresses, "lookup", lambda host, port: [PUBLIC, "2606:4700::1111"])

    place = addresses.resolved("https://shop.example:8443/in?a=1", own_machine=False)

    assert (place.origin, place.target, place.address) == ("https://shop.example:8443", "/in?a=1", PUBLIC)
    assert addresses.read("https://shop.example").target == "/"


@pytest.mark.attack("A14")
def test_a_name_is_looked_up_once_and_the_request_goes_to_that_address(world, monkeypatch):
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [PUBLIC]

    port = world.receiver.url.split(":")[2].split("/")[0]
    monkeypatch.setattr(addresses, "lookup", rebinding)
    monkeypatch.setattr(calls.HTTPConnection, "connect", lambda self: pytest.fail("looked up again"))
    with_url(world, f"http://shop.example:{port}/in")
    world.publish(1)

    world.run()

    assert asked == ["shop.example"]
    assert [got.headers["host"] for got in world.receiver.got] == [f"shop.example:{port}"]


@pytest.mark.attack("A14")
def test_in_production_a_name_that_turns_inside_gets_no_connection_and_is_told_so(given, db):
    world = given(config=db.at(environment="production"))
    world.publish(1)

    world.run()

    assert world.receiver.connections == 0
    assert world.states() == [(1, "waiting", 1)]
    assert [row.error for row in tries()] == ["url: it leads to an address that is not public"]


def test_over_tls_the_certificate_must_be_the_names_not_the_addresss(monkeypatch, tmp_path):
    key, file = ec.generate_private_key(ec.SECP256R1()), tmp_path / "own.pem"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(clock.now()).not_valid_after(clock.now() + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)

    def ask(host: str) -> object:
        with receiving(serving) as receiver:
            port = receiver.url.split(":")[2].split("/")[0]
            return calls.call("POST", f"https://{host}:{port}", "/", b"{}", {}, 3, address="127.0.0.1")

    unknown = ask("shop.example")
    trusting = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)

    assert isinstance(unknown, calls.NotSent)
    assert "CertVerification" in unknown.reason
    assert getattr(ask("shop.example"), "status", None) == 204
    assert isinstance(ask("other.example"), calls.NotSent)


def with_url(world, url):
    from base import database

    with database.begin() as session:
        session.merge(world.now()).url = url


def tries():
    from tests.base.webhooks.test_deliveries import tries

    return tries()

"""Until when a page's certificate is valid, asked of a real server."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from releasegate.errors import OutsideError
from releasegate.runbook.outside import expiry


def certificate(folder, ends):
    """A certificate for 127.0.0.1 that vouches for itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=90))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@contextmanager
def served(folder):
    """A server that shakes hands once; gives its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")

    def answer():
        channel, _ = listener.accept()
        try:
            context.wrap_socket(channel, server_side=True).close()
        except OSError:  # the other side did not like it
            channel.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/healthz"
        thread.join()


def test_it_is_the_moment_at_which_the_certificate_ends(tmp_path, monkeypatch):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=12)
    certificate(tmp_path, ends)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate"))
    with served(tmp_path) as url:
        assert expiry(url) == ends


@pytest.mark.parametrize(("days", "trusted"), [(12, False), (-1, True)])
def test_one_that_does_not_hold_now_is_said_without_its_address(tmp_path, monkeypatch, days, trusted):
    certificate(tmp_path, datetime.now(UTC) + timedelta(days=days))
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate"))
    with served(tmp_path) as url, pytest.raises(OutsideError) as error:
        expiry(url)
    host = url.split("/")[2]
    assert str(error.value) == f"{host} has no certificate that holds (SSLCertVerificationError)"


def test_where_nobody_answers_it_is_said():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(OutsideError) as error:
        expiry(f"https://127.0.0.1:{port}/?token=secret")
    assert str(error.value) == f"127.0.0.1:{port} has no certificate that holds (ConnectionRefusedError)"

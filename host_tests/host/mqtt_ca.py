"""Certificates for a test: a CA, a broker's certificate in several states, a client's. Uses the `cryptography` package.

Promises: nothing is trusted longer than the files exist; elliptic keys, because they are quick.
"""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Authority:
    def __init__(self, folder, name):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._certificate = self._build(self._name, self._key, NOW - DAY, NOW + 30 * DAY, True, ())
        self.path = folder / (name + ".pem")
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self.der = folder / (name + ".der")
        self.der.write_bytes(self._certificate.public_bytes(serialization.Encoding.DER))

    def _build(self, subject, key, first, last, is_ca, hosts):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, name, host="localhost", first=NOW - DAY, last=NOW + DAY):
        """(certificate file, key file) for a host name."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = self._build(_name(host), key, first, last, False, hosts)
        paths = self._folder / (name + ".crt"), self._folder / (name + ".key")
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return paths

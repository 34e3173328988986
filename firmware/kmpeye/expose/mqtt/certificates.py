# TLS for a socket of MicroPython: the broker's certificate is checked against the CA file of the config, its name
# and its dates too. Files are PEM or DER. Imported only where TLS is on; needs the date (the client waits for it).
# Promises: no unchecked connection unless the config says mqtt_tls_insecure.

from binascii import a2b_base64

from micropython import const

_MOST = const(8192)  # bytes of a file: a certificate has one to two thousand


def blocks(data, wanted):
    """The DER of each block of a PEM file whose name ends with wanted; a file of anything else is DER as it is."""
    if data[:11] != b"-----BEGIN " and b"\n-----BEGIN " not in data:
        return [data]
    found = []
    at = data.find(b"-----BEGIN ")
    while at >= 0:
        start = data.find(b"-----", at + 11)
        end = data.find(b"-----END ", start)
        if start < 0 or end < 0:
            break
        if data[at + 11 : start].endswith(wanted):
            found.append(a2b_base64(b"".join(data[start + 5 : end].split())))
        at = data.find(b"-----BEGIN ", end)
    return found


def _read(key, path, wanted):
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST)
        found = blocks(data, wanted)
        if found and data:
            return found
    except (OSError, ValueError) as e:
        raise OSError("%s: %s: %s" % (key, path, e))
    raise OSError("%s: %s holds no %s" % (key, path, wanted.decode().lower()))


def wrap(sock, host, config):
    """The socket inside TLS; OSError names the setting whose file cannot be used."""
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    key = "mqtt_ca"
    try:
        if config["mqtt_tls_insecure"]:
            context.verify_mode = tls.CERT_NONE  # type: ignore[attr-defined]
        else:
            context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
            for one in _read(key, config[key], b"CERTIFICATE"):
                context.load_verify_locations(one)
        if config["mqtt_cert"]:
            key = "mqtt_cert"
            certificate = _read(key, config[key], b"CERTIFICATE")[0]
            key = "mqtt_key"
            context.load_cert_chain(certificate, _read(key, config[key], b"PRIVATE KEY")[0])
    except ValueError as e:
        raise OSError("%s: %s: %s" % (key, config[key], e))
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)

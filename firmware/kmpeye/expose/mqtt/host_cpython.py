# CPython's half of host.py. Never imported on the chip.
# Imports asyncio, socket and cpython_ssl. Promises what host.py promises.

import asyncio
import socket
import ssl as cpython_ssl  # not the chip's

_LOOKUP_S = 5
_HANDS_MS = 10000


class _Socket:
    """A connected socket with the calls of MicroPython's."""

    def __init__(self, sock):
        self._sock = sock
        self.close = sock.close

    def _now(self, call, view):
        try:
            return call(view)
        except (BlockingIOError, cpython_ssl.SSLWantReadError, cpython_ssl.SSLWantWriteError):
            return None

    def readinto(self, view):
        return self._now(self._sock.recv_into, view)

    def write(self, view):
        return self._now(self._sock.send, view)


async def open_socket(app, port, tls):
    from kmpeye.expose.mqtt.host import joined

    config = app.config
    host = config["mqtt_host"]
    loop = asyncio.get_event_loop()
    asked = loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    address = (await asyncio.wait_for(asked, _LOOKUP_S))[0][-1]
    sock = socket.socket()
    try:
        sock.setblocking(False)
        await joined(sock, address, app.clock)
        if tls:
            context = cpython_ssl.SSLContext(cpython_ssl.PROTOCOL_TLS_CLIENT)
            if config["mqtt_tls_insecure"]:
                context.check_hostname = False  # type: ignore[attr-defined]
                context.verify_mode = cpython_ssl.CERT_NONE  # type: ignore[attr-defined]
            else:
                context.load_verify_locations(config["mqtt_ca"])
            if config["mqtt_cert"]:
                context.load_cert_chain(config["mqtt_cert"], config["mqtt_key"])
            sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            await _shake_hands(sock, app.clock)
        return _Socket(sock)
    except BaseException:
        sock.close()
        raise


async def _shake_hands(sock, clock):
    start = clock.ticks()
    while True:
        try:
            return sock.do_handshake()
        except (cpython_ssl.SSLWantReadError, cpython_ssl.SSLWantWriteError):
            if clock.since(start) > _HANDS_MS:
                raise OSError("TLS: the broker does not answer")
            await clock.sleep_ms(20)

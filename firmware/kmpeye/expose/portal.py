# /api/wifi: the state of the Wi-Fi, the networks in reach, and joining one; a handler for http.py. Imports http for
# its Refusal; loaded for the request. The app brings wifi (system.wifi), or None where the device has none of its own.

import json

from kmpeye.expose.http import Refusal


async def wifi(exchange, app):
    """GET: the state; GET with ?scan: and the networks in reach. PUT {"ssid": ..., "password": ...}: join; 202 at
    once, as the connection that asked may end with it, and the state tells the rest."""
    if not app.wifi:
        raise Refusal(404, "this device has no Wi-Fi of its own", '"code":"no_wifi"')
    if exchange.method == "PUT":
        _join(exchange, app.wifi)
        await exchange.start(202, "application/json")
        return await exchange.write(('{"joining":true}',))
    networks = None
    if exchange.query == "scan":
        try:
            networks = app.wifi.scan()
        except OSError:
            raise Refusal(503, "the radio is busy; try again", '"code":"busy"', "Retry-After: 3\r\n")
    await exchange.start(200, "application/json")
    await exchange.write(_state(app.wifi, networks))


def _state(wifi, networks):
    yield json.dumps(wifi.status())[:-1]
    if networks is not None:
        comma = ',"networks":['
        for ssid, rssi, secured in networks:
            row = (comma, json.dumps(ssid), rssi, "true" if secured else "false")
            yield '%s{"ssid":%s,"rssi":%d,"secured":%s}' % row
            comma = ","
        yield "]" if networks else comma + "]"
    yield "}"


def _join(exchange, wifi):
    asked = exchange.object()
    try:
        wifi.join(asked.get("ssid"), asked.get("password") or None)
    except ValueError as e:
        raise Refusal(400, str(e), '"code":"wrong_value"')

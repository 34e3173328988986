# How a connection with the broker begins: the settings that make sense, socket, CONNECT, SUBSCRIBE. Loaded only while
# that lasts; what comes after it is client.py. Imports its neighbours. Promises: every wait has a deadline but the one
# for the date, without which no certificate can be checked.

from micropython import const

from kmpeye.expose.mqtt.packets import connect, refusal, subscribe

_CONNACK = const(0x20)
_STEP_MS = const(10)


def check(config):
    """ValueError names a setting that cannot work."""
    for key in ("mqtt_base", "ha_prefix"):
        if "+" in config[key] or "#" in config[key] or config[key][0] == "$":
            raise ValueError("%s: a topic has no + and no #, and does not begin with $" % key)
    if config["mqtt_tls"] and not config["mqtt_ca"] and not config["mqtt_tls_insecure"]:
        raise ValueError("mqtt_tls needs mqtt_ca, or mqtt_tls_insecure for a broker that is not checked")
    if bool(config["mqtt_cert"]) != bool(config["mqtt_key"]):
        raise ValueError("mqtt_cert and mqtt_key go together")


async def reach(client):
    """A socket that is connected with the broker (host.open_socket)."""
    from kmpeye.expose.mqtt.host import open_socket

    app = client.app
    config = app.config
    tls = config["mqtt_tls"]
    while tls and not config["mqtt_tls_insecure"] and app.clock.unix() is None:
        client.error = "waits for the date, without which no certificate can be checked"
        await app.clock.sleep_ms(1000)
    return await open_socket(app, config["mqtt_port"] or (8883 if tls else 1883), tls)


async def greet(client, subscription):
    """Until the broker lets the client in. subscription: the number of that packet."""
    app = client.app
    config = app.config
    feed = client.feed()
    feed.begin()
    name = "kmpeye-" + feed.topic[:-1].split("/")[-1]
    will = feed.topic + "status", "offline"
    user = config["mqtt_user"], config["mqtt_password"]
    await client.send(connect(name, 2 * client.ping_s, *will, *user))
    start = app.clock.ticks()
    while not client.arrived():
        if app.clock.since(start) > client.answer_s * 1000:
            raise OSError("the broker does not answer")
        await app.clock.sleep_ms(_STEP_MS)
    reader = client.reader
    if reader.kind != _CONNACK:
        raise ValueError("the broker answers with packet 0x%02x" % reader.kind)
    refused = refusal(reader.kind, reader.body())
    if refused:
        raise ValueError(refused)
    topics = feed.subscriptions()
    if topics:
        await client.send(subscribe(subscription, topics))

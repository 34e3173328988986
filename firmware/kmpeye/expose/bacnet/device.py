# The properties of the Device object: who we are and what we can do. Imports nothing of ours.
# Promises what the other files do: 1024 bytes a packet, no segmentation, five services.

from micropython import const

_MAX_APDU = const(1024)  # what bacpypes3 takes too; 1476 would leave no room for longer headers
_REVISION = const(14)  # of the protocol: the last one that needs no Network Port object
_SERIAL_NUMBER = const(372)
_SUBSCRIPTIONS = const(152)

_SERVICES = const(b"\x04\x0a\x00\x00\x60\x00")  # executed: 5, 12, 14, 33, 34 of 41 (revision 14)
_TYPES = const(b"\x90\x84\x00\x00\x00\x82\x00")  # 0, 3, 8, 13, 40, 46 of 55


def write_device(writer, property, objects, app):
    """Write the value of a property that is no array and that other objects do not have."""
    config = app.config
    if property == 58:  # location
        writer.text(config["bacnet_location"] or "")
    elif property == 120:  # vendor identifier
        writer.unsigned(config["bacnet_vendor"])
    elif property == 121:  # vendor name
        writer.text("kmpeye")
    elif property == 70:  # model name
        writer.text(app.snapshot.meter.model or "")
    elif property == _SERIAL_NUMBER:
        writer.text(objects.serial or "")
    elif property in (44, 12):  # firmware revision, application software version
        writer.text(app.version)
    elif property == 112:  # system status: operational
        writer.enumerated(0)
    elif property == 107:  # segmentation supported: none
        writer.enumerated(3)
    elif property == 97:
        writer.bits(7, _SERVICES)
    elif property == 96:
        writer.bits(1, _TYPES)
    elif property == 98:  # protocol version
        writer.unsigned(1)
    elif property == 139:  # protocol revision
        writer.unsigned(_REVISION)
    elif property == 62:
        writer.unsigned(_MAX_APDU)
    elif property == 11:  # APDU timeout in ms, and retries: those of our notifications
        writer.unsigned(3000)
    elif property == 73:
        writer.unsigned(3)
    elif property == 155:  # database revision: another one when other objects are there
        revision = objects.instance
        for type, number in objects.ids():
            revision = (revision * 31 + type + number) & 0xFFFF
        writer.unsigned(revision)
    elif property == _SUBSCRIPTIONS:
        objects.write_subscriptions(writer)
    # 30 device address binding: an empty list

# BACnet requests as bacpypes3 and bacnet-stack send them and the replies they understand, byte for byte: device 260001
# with an electricity meter whose register 1 reads 21.5 kWh. For the tests of BACnet on all interpreters.

from bacnet_app import App, device
from kmpeye.expose.bacnet.udp import address

SOURCE = address(b"\xc0\x00\x02\x05\xba\xc0")
LOCAL = "01 04 "  # the network layer of a request from the same network
READING = (("energy_in", 1, 2, 215, -1), ("voltage_l1", 1054, 33, 231, 0))


def data(text):
    return bytes([int(pair, 16) for pair in text.split(" ")])


def packet(network, function=10):
    content = data(network)
    return bytes((0x81, function, 0, len(content) + 4)) + content


def ready():
    app = App("kamstrup382")
    app.publish(READING, flags=())
    return app, device(app)


AI1 = "0c 00 00 00 01"
DEVICE = "0c 02 03 f7 a1"
I_AM = "10 00 c4 02 03 f7 a1 22 04 00 91 03 21 00"
I_HAVE = "10 01 c4 02 03 f7 a1 c4 00 00 00 01 75 0a 00 65 6e 65 72 67 79 5f 69 6e"
NAME = "3d 0a 00 65 6e 65 72 67 79 5f 69 6e"

# request, reply, why
ANSWERED = (
    ("10 08", I_AM, "Who-Is to everybody"),
    ("10 08 0b 03 f7 a1 1b 03 f7 a1", I_AM, "Who-Is in range"),
    ("10 08 0b 03 f7 a2 1b 03 f7 a9", None, "Who-Is above us"),
    ("10 08 09 00 19 05", None, "Who-Is below us"),
    ("10 08 09 00", None, "Who-Is with half a range"),
    ("10 07 2c 00 00 00 01", I_HAVE, "Who-Has by identifier"),
    ("10 07 " + NAME, I_HAVE, "Who-Has by name"),
    ("10 07 0b 03 f7 a1 1b 03 f7 a1 " + NAME, I_HAVE, "Who-Has in range"),
    ("10 07 09 01 19 02 " + NAME, None, "Who-Has of others"),
    ("10 07 2c 00 00 00 63", None, "Who-Has of what we have not"),
    ("10 07 3b 00 45 31", None, "Who-Has of a name we have not"),
    ("10 07 3b 04 45 31", None, "Who-Has in another character set"),
    ("10 07", None, "Who-Has of nothing"),
    ("10 06 a4 7e 0b 17 01 b4 0c 00 00 00", None, "TimeSynchronization"),
    ("10 00 c4 02 00 00 01 22 05 c4 91 03 21 63", None, "somebody else's I-Am"),
    ("00 05 01 0c " + AI1 + " 19 55", "30 01 0c " + AI1 + " 19 55 3e 44 41 ac 00 00 3f", "present-value"),
    ("02 04 01 0c " + AI1 + " 19 75", "30 01 0c " + AI1 + " 19 75 3e 91 13 3f", "units: kWh"),
    (
        "00 05 01 0c 0c 0b 80 00 01 19 55",
        "30 01 0c 0c 0b 80 00 01 19 55 3e 55 08 40 35 80 00 00 00 00 00 3f",
        "the same with all digits",
    ),
    ("00 05 01 0c 0c 0a 00 00 01 19 55", "30 01 0c 0c 0a 00 00 01 19 55 3e 75 09 00 31 32 33 34 35 36 37 38 3f",
     "serial number"),
    ("00 05 01 0c 0c 03 40 00 01 19 55", "30 01 0c 0c 03 40 00 01 19 55 3e 21 01 3f", "diagnosis: ok"),
    ("00 05 02 0c 0c 02 3f ff ff 19 4b", "30 02 0c " + DEVICE + " 19 4b 3e c4 02 03 f7 a1 3f",
     "the wildcard is answered with who we are"),
    ("00 05 01 0c " + DEVICE + " 19 61", "30 01 0c " + DEVICE + " 19 61 3e 85 07 07 04 0a 00 00 60 00 3f",
     "services supported"),
    ("00 05 01 0c " + DEVICE + " 19 1e", "30 01 0c " + DEVICE + " 19 1e 3e 3f", "address bindings: none"),
    ("00 05 01 0c " + DEVICE + " 19 4c 29 01", "30 01 0c " + DEVICE + " 19 4c 29 01 3e c4 02 03 f7 a1 3f",
     "the first object is the device"),
    ("00 05 09 0c 0c 00 00 00 63 19 55", "50 09 0c 91 01 91 1f", "no such object"),
    ("00 05 01 0c " + AI1 + " 19 07", "50 01 0c 91 02 91 20", "no such property"),
    ("00 05 01 0c " + AI1 + " 1a 13 88", "50 01 0c 91 02 91 20", "no such property, a large number"),
    ("00 05 01 0c " + AI1 + " 19 55 29 01", "50 01 0c 91 02 91 32", "an index into what is no array"),
    ("00 05 01 0c " + DEVICE + " 19 4c 2a 03 e8", "50 01 0c 91 02 91 2a", "an index beyond the array"),
    (
        "00 05 01 0e " + AI1 + " 1e 09 55 09 75 09 6f 1f",
        "30 01 0e " + AI1 + " 1e 29 55 4e 44 41 ac 00 00 4f 29 75 4e 91 13 4f 29 6f 4e 82 04 00 4f 1f",
        "several properties, in the order of the request",
    ),
    (
        "00 05 03 0e " + AI1 + " 1e 09 55 09 1c 09 07 1f",
        "30 03 0e " + AI1 + " 1e 29 55 4e 44 41 ac 00 00 4f 29 1c 4e 75 0a 00 45 6e 65 72 67 79 20 69 6e 4f"
        " 29 07 5e 91 02 91 20 5f 1f",
        "an error inside the reply",
    ),
    (
        "00 05 03 0e 0c 00 00 00 63 1e 09 55 09 08 1f " + AI1 + " 1e 09 55 19 02 1f",
        "30 03 0e 0c 00 00 00 63 1e 29 55 5e 91 01 91 1f 5f 29 08 5e 91 01 91 1f 5f 1f "
        + AI1 + " 1e 29 55 39 02 5e 91 02 91 32 5f 1f",
        "an unknown object, and an index into no array",
    ),
    (
        "00 05 04 0e " + AI1 + " 1e 09 69 1f",
        "30 04 0e " + AI1 + " 1e 29 4b 4e c4 00 00 00 01 4f 29 4d 4e 75 0a 00 65 6e 65 72 67 79 5f 69 6e 4f"
        " 29 4f 4e 91 00 4f 29 55 4e 44 41 ac 00 00 4f 29 6f 4e 82 04 00 4f 29 24 4e 91 00 4f 29 51 4e 10 4f"
        " 29 75 4e 91 13 4f 1f",
        "REQUIRED",
    ),
    (
        "00 05 04 0e " + AI1 + " 1e 09 50 1f",
        "30 04 0e " + AI1 + " 1e 29 1c 4e 75 0a 00 45 6e 65 72 67 79 20 69 6e 4f 29 67 4e 91 00 4f"
        " 29 16 4e 44 00 00 00 00 4f 1f",
        "OPTIONAL",
    ),
    ("00 05 01 0f " + AI1 + " 19 55 3e 44 40 a0 00 00 3f 49 08", "50 01 0f 91 02 91 28", "nothing can be written"),
    ("00 05 01 0f " + AI1 + " 19 07 3e 44 40 a0 00 00 3f", "50 01 0f 91 02 91 20", "not what is not there"),
    ("00 05 01 0f 0c 00 00 00 63 19 55 3e 10 3f", "50 01 0f 91 01 91 1f", "nor where nothing is"),
    ("00 05 01 10 " + AI1 + " 1e 09 55 2e 10 2f 1f", "60 01 09", "WritePropertyMultiple is not known"),
    ("00 05 01 11 09 05 19 01", "60 01 09", "DeviceCommunicationControl neither"),
    ("00 05 01 1a " + AI1 + " 19 83", "60 01 09", "ReadRange neither"),
    ("00 05 01 0c", "60 01 05", "parameters are missing"),
    ("00 05 01 0c " + AI1, "60 01 05", "one is missing"),
    ("00 05 01 0c 0b 00 00 01 19 55", "60 01 04", "an identifier of three bytes"),
    ("00 05 01 0c 0c 00 00", "60 01 04", "cut off"),
    ("00 05 01 0e " + AI1 + " 1e 09 55", "60 01 05", "no closing tag"),
    ("00 05 01 0e " + AI1 + " 09 55 1f", "60 01 04", "no opening tag"),
    ("08 05 01 00 01 0c " + AI1 + " 19 55", "71 01 04", "a request in pieces"),
    ("00 00 01 0c " + DEVICE + " 19 4c", "71 01 04", "50 bytes are not enough for the list of objects"),
    ("00 01 01 0e " + DEVICE + " 1e 09 08 1f", "71 01 04", "nor 128 for everything of the device"),
    ("00 05 01", None, "a beginning"),
    ("20 01 05", None, "an answer nobody waits for"),
    ("50 01 0c 91 01 91 1f", None, "an error of somebody else"),
    ("60 01 09", None, "a reject"),
    ("71 01 04", None, "an abort"),
    ("f0 01 04", None, "a type that does not exist"),
)  # fmt: skip

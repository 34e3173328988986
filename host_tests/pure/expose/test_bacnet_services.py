# Requests as other BACnet programs send them and the replies they understand, byte for byte: services, routes and what
# damaged packets do. Runs on CPython and MicroPython.

from bacnet_app import App, device
from bacnet_vectors import AI1, ANSWERED, DEVICE, I_AM, LOCAL, READING, SOURCE, data, packet, ready
from kmpeye.expose.bacnet.udp import address as socket_address


def ask(one, apdu, function=10):
    """The APDU that comes back, in hex; None for silence."""
    reply = one.answer(packet(LOCAL + apdu, function), SOURCE)
    if not reply:
        return None
    content, address = reply
    assert address == SOURCE
    assert bytes(content[:6]) == bytes((0x81, 10, len(content) >> 8, len(content) & 255, 1, 0))
    return " ".join(["%02x" % byte for byte in content[6:]])


def test_requests_get_the_replies_of_the_standard():
    _, one = ready()
    for request, reply, why in ANSWERED:
        assert ask(one, request) == reply, (request, why)


def test_requests_that_expect_an_answer_from_one_are_not_answered_when_everybody_got_them():
    _, one = ready()
    for request, reply, why in ANSWERED:
        if request[0] == "1":
            assert ask(one, request, 11) == reply, why
        else:
            assert ask(one, request, 11) is None, why


def test_before_the_device_knows_its_instance_it_is_silent():
    _, one = ready()
    one.objects.instance = None
    for request, _, why in ANSWERED:
        assert ask(one, request) is None, why


# BVLC function, network layer and APDU, is it answered and how, why
ROUTED = (
    (10, "01 00 10 08", "01 00", "in our network"),
    (11, "01 20 ff ff 00 ff 10 08", "01 00", "to everybody everywhere"),
    (11, "01 28 ff ff 00 00 05 01 0a ff 10 08", "01 20 00 05 01 0a ff", "the sender is behind a router"),
    (10, "01 08 00 05 06 c0 00 02 09 ba c0 10 08", "01 20 00 05 06 c0 00 02 09 ba c0 ff", "six bytes behind a router"),
    (10, "01 08 00 05 07 01 02 03 04 05 06 07 10 08", "01 20 00 05 07 01 02 03 04 05 06 07 ff", "seven bytes"),
    (10, "01 08 00 05 08 01 02 03 04 05 06 07 08 10 08", None, "an address longer than any"),
    (10, "01 08 00 05 00 10 08", None, "a sender that is a whole network"),
    (10, "01 20 00 07 01 0a ff 10 08", None, "for another network"),
    (11, "01 80 00", None, "Who-Is-Router-To-Network"),
    (11, "01 80 12", None, "What-Is-Network-Number"),
    (10, "02 00 10 08", None, "another version"),
    (10, "01 00", None, "nothing inside"),
    (10, "01 20 ff ff", None, "cut off in the destination"),
    (10, "01 20 ff ff 00", None, "cut off before the hop count"),
    (10, "01 08 00 05 06 c0 00", None, "cut off in the source"),
    (1, "01 00 10 08", None, "Write-BDT: we are no BBMD"),
    (5, "00 3c", None, "Register-Foreign-Device: we are no BBMD"),
    (9, "01 00 10 08", None, "Distribute-Broadcast: we are no BBMD"),
    (12, "01 00 10 08", None, "a secured packet"),
)  # fmt: skip


def test_replies_go_back_the_way_the_request_came():
    _, one = ready()
    for function, network, wanted, why in ROUTED:
        reply = one.answer(packet(network, function), SOURCE)
        if wanted is None:
            assert reply is None, why
        else:
            content, address = reply
            assert address == SOURCE, why
            assert bytes(content[4:]) == data(wanted + " " + I_AM), why
            assert content[1] == 10 and content[2] << 8 | content[3] == len(content), why


def test_what_a_bbmd_passes_on_is_answered_to_the_one_who_asked():
    _, one = ready()
    origin = b"\xc0\x00\x02\x63\xba\xc1"
    reply = one.answer(b"\x81\x04\x00\x0e" + origin + data("01 00 10 08"), SOURCE)
    assert reply[1] == socket_address(origin)
    assert bytes(reply[0][6:]) == data(I_AM)
    # A confirmed request never comes this way, and a packet that ends in the address is none.
    assert (
        one.answer(b"\x81\x04\x00\x15" + origin + data("01 04 00 05 01 0c " + AI1 + " 19 55"), SOURCE) is None
    )
    assert one.answer(b"\x81\x04\x00\x08" + origin[:4], SOURCE) is None


def test_a_packet_whose_length_is_wrong_or_that_is_no_bacnet_is_ignored():
    _, one = ready()
    for content in (b"", b"\x81", b"\x81\x0a\x00\x08\x01\x00\x10", b"\x81\x0a\x00\x07\x01\x00\x10\x08",
                    b"\x82\x0a\x00\x08\x01\x00\x10\x08", b"GET / HTTP/1.1\r\n\r\n"):  # fmt: skip
        assert one.answer(content, SOURCE) is None, content


def test_the_announcement_is_an_i_am_to_everybody():
    _, one = ready()
    assert bytes(one.i_am()) == data("81 0b 00 14 01 00 " + I_AM)


def test_the_longest_name_fits_into_its_answers():
    settings = {"bacnet_instance": 260001, "bacnet_name": "Zähler " + "ß" * 57, "bacnet_location": "°" * 64}
    app = App("kamstrup382", settings)
    app.publish(READING)
    one = device(app)
    assert ask(one, "10 07 2c 02 03 f7 a1").startswith(
        "10 01 c4 02 03 f7 a1 c4 02 03 f7 a1 75 7b 00 5a c3 a4"
    )
    for property in ("4d", "3a"):
        assert ask(one, "00 05 01 0c " + DEVICE + " 19 " + property).startswith("30 01 0c")


def test_any_bytes_give_a_reply_or_silence_and_the_next_good_request_is_answered():
    # A linear congruential generator: the same sequence on every interpreter. The host's test takes more of it.
    _, one = ready()
    good = packet(LOCAL + ANSWERED[15][0])
    state = 1
    for number in range(600):
        content = bytearray(packet(LOCAL + ANSWERED[number % len(ANSWERED)][0]))
        for _ in range(1 + number % 3):
            state = (state * 1103 + 12345) & 0xFFFF
            place = 4 + state % (len(content) - 4)
            state = (state * 1103 + 12345) & 0xFFFF
            content[place] = state >> 8
        reply = one.answer(bytes(content), SOURCE)
        assert reply is None or len(reply[0]) <= 1041
        one.cancel(SOURCE, b"", 18, 0, 1)
    content, _ = one.answer(good, SOURCE)
    assert bytes(content[6:]) == data(ANSWERED[15][1])

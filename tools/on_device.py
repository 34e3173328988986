# Measures the firmware where it runs: on a chip (tools/bench_device sends it there) or on MicroPython's unix port.
# Uses the installed firmware and the standard library. Prints a line for each figure, {"what", "value", "unit"}, or
# "why" instead of a value where there is none. Promises to start no radio and to change no file that was there, but for
# a start that is counted while an update is on trial.

import asyncio
import gc
import json
import os
import sys
import time

_DECODES = 20
_REQUESTS = 5
_WRITES = 5
_WRITE_BYTES = 2048  # about what an hour's worth of history and state is
_COIL_MS = 100
_LATE_MS = 1000  # a coil that is still on after that much more

_SCRATCH = "bench.tmp"

# What is loaded at the start of the firmware, in its order.
_STAGES = (
    ("asyncio", ("asyncio",)),
    ("the protocol", ("kmp.frame", "kmp.command")),
    ("the head", ("kmpeye.head.line", "kmpeye.head.transaction", "kmpeye.head.wake")),
    ("the reader", ("kmpeye.reader",)),
    ("the page", ("kmpeye.expose.http", "kmpeye.expose.web")),
    ("the app", ("kmpeye.app",)),
)


def say(what, value, unit, why=None):
    line = {"what": what, "value": value, "unit": unit}
    if why:
        line["why"] = why
    print(json.dumps(line))


def heap():
    gc.collect()
    return gc.mem_alloc()


def root():
    """The folder of meters/ and www/, as the board's own main.py finds it; the image of tools/on_rom.py has none."""
    try:
        import main

        return main._root()
    except (ImportError, AttributeError):
        return "/rom/" if "/rom" in sys.path else ""


def us_of(function, times):
    """(mean, longest) microseconds of a call."""
    total = longest = 0
    for _ in range(times):
        gc.collect()
        start = time.ticks_us()
        function()
        took = time.ticks_diff(time.ticks_us(), start)
        total += took
        longest = max(longest, took)
    return total // times, longest


def stages():
    """Heap and time of each import."""
    base = heap()
    say("heap of this script", base, "B")
    for what, names in _STAGES:
        before = heap()
        start = time.ticks_us()
        for name in names:
            __import__(name)
        took = time.ticks_diff(time.ticks_us(), start)
        say("import %s: heap" % what, heap() - before, "B")
        say("import %s: time" % what, took, "us")
    return base


def make_app(base, folder):
    from kmpeye.app import App
    from kmpeye.system import forget
    from kmpeye.system.config import checked

    config = checked({"meter": "multical21"})
    forget("system.config")
    app = App(config, folder, {}, print)
    say("heap with the app made, without this script", heap() - base, "B")
    return app


def decode():
    """A reply of eight registers, as it comes from the line."""
    from kmp.command import read_registers
    from kmp.frame import FROM_METER, METER, Reader, build

    record = b"\x00\x44\x28\x04\x43\x00\x04\xcb\x13"
    frame = build(FROM_METER, METER, b"\x10" + record * 8)
    reader = Reader()

    def one():
        pos = 0
        while pos < len(frame):
            pos = reader.feed(frame, pos, len(frame))
        if len(read_registers(reader.application())) != 8:
            raise ValueError("the reply was not understood")

    say("decode a reply of 8 registers, %d bytes" % len(frame), us_of(one, _DECODES)[0], "us")
    say("collect garbage", us_of(gc.collect, _DECODES)[0], "us")


def flash():
    from kmpeye.system import keep

    data = bytes(_WRITE_BYTES)
    try:
        mean, longest = us_of(lambda: keep.write(_SCRATCH, data), _WRITES)
    finally:
        try:
            os.remove(_SCRATCH)
        except OSError:
            pass
    what = "write and read back %d bytes of flash" % _WRITE_BYTES
    say(what, mean, "us")
    say(what + ", longest of %d" % _WRITES, longest, "us")


async def listening(server):
    """Start it on a free port of the loopback; which."""
    for port in range(20000 + time.ticks_us() % 20000, 65000, 97):
        try:
            await server.start("127.0.0.1", port)
            return port
        except OSError:
            pass
    raise OSError("no port is free")


async def ask(port, path):
    """Microseconds from connecting to the last byte, and how many came."""
    start = time.ticks_us()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        await writer.drain()
        count = 0
        buffer = bytearray(512)
        while True:
            got = await reader.readinto(buffer)
            if not got:
                break
            if not count and buffer[9:12] != b"200":
                raise OSError("%s: %s" % (path, bytes(buffer[:12])))
            count += got
    finally:
        writer.close()
        await writer.wait_closed()
    return time.ticks_diff(time.ticks_us(), start), count


async def pages(app):
    from kmpeye.expose.http import Server
    from kmpeye.expose.web import Routes

    server = Server(Routes(app), print)
    port = await listening(server)
    try:
        for path in ("/api/reading", "/api/status", "/"):
            times = []
            for _ in range(_REQUESTS):
                gc.collect()
                took, count = await asyncio.wait_for(ask(port, path), 20)
                times.append(took)
            say(
                "GET %s, %d bytes, median of %d" % (path, count, _REQUESTS),
                sorted(times)[_REQUESTS // 2],
                "us",
            )
    finally:
        await server.close()


def network_stack():
    """The chip's sockets need it, also for the loopback; the radio stays off."""
    try:
        import network

        network.WLAN(network.STA_IF)
    except ImportError:
        pass


def coil_pin():
    """{"pin", "on"} of the board's coil, or why there is none."""
    import machine

    if not hasattr(machine, "Timer"):
        raise ImportError("this port has no pins and timers")
    try:
        with open("board.json") as f:
            coil = json.load(f)["coil"]
    except (OSError, KeyError):
        coil = None
    if not coil:
        raise ImportError("board.json names no coil")
    return machine, coil


def wake_pin():
    """How fast the coil's pin follows, and how late its own timer takes it back while the program is busy."""
    what = ("wake pin on", "wake pin off after its %d ms, late by" % _COIL_MS)
    try:
        machine, coil = coil_pin()
    except ImportError as e:
        for one in what:
            say(one, None, "us", str(e))
        return
    from kmpeye.head.wake import make_waker

    settings = {"pin": coil["pin"], "on_level": coil["on"], "max_on_ms": _COIL_MS}
    waker = make_waker("coil", settings, None, None, machine)
    pin = machine.Pin(coil["pin"])
    try:
        start = time.ticks_us()
        asyncio.run(waker.wake())
        if pin.value() != coil["on"]:
            raise OSError("the coil's pin did not move")
        on = time.ticks_us()
        most = (_COIL_MS + _LATE_MS) * 1000
        while pin.value() == coil["on"] and time.ticks_diff(time.ticks_us(), on) < most:
            pass
        off = time.ticks_diff(time.ticks_us(), on)
    finally:
        waker.release()
    say(what[0], time.ticks_diff(on, start), "us")
    say(what[1], off - _COIL_MS * 1000, "us", None if off < most else "still on")


def idf_heap():
    """What is left to Wi-Fi and TLS."""
    what = ("free of the system's heap", "its largest block", "the least there ever was")
    try:
        import esp32
    except ImportError:
        for one in what:
            say(one, None, "B", "this port has one heap")
        return
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)  # (total, free, largest, least free ever) of each
    say(what[0], sum([region[1] for region in regions]), "B")
    say(what[1], max([region[2] for region in regions]), "B")
    say(what[2], sum([region[3] for region in regions]), "B")


def main():
    version = ".".join([str(part) for part in sys.implementation.version[:3]])
    say("MicroPython", version, getattr(sys.implementation, "_machine", sys.platform))
    folder = root()
    base = stages()
    app = make_app(base, folder)
    decode()
    flash()
    network_stack()
    asyncio.run(pages(app))
    wake_pin()
    say("heap at the end, without this script", heap() - base, "B")
    idf_heap()


if __name__ == "__main__":
    main()

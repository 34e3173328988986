# A SimMeter in real time behind a port, until a signal ends it. The only file here that knows a clock.
# Imports nothing of ours: meter, port and hand come in ready made.

import selectors
import signal
import socket
import time

# Even when nothing is due the meter lives on, so that a long silence at a high time factor costs
# its work second by second and not all at once at the next request.
_IDLE_S = 1.0
_HAND_S = 0.05  # how often the magnet is looked at: a servo needs longer to move


def serve(meter_at, port, hand, ready):
    """Run until SIGINT or SIGTERM. meter_at(now_ms) makes the meter, hand is its Hand; ready() is called when a
    head may come."""
    selector = selectors.DefaultSelector()
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    selector.register(woken, selectors.EVENT_READ)
    stopping = []
    old_waker = signal.set_wakeup_fd(waker.fileno())
    old_handlers = {
        one: signal.signal(one, lambda number, frame: stopping.append(number))
        for one in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        port.attach(selector)
        meter = meter_at(_now_ms())
        hand.move(meter, _now_ms())
        ready()
        while not stopping:
            _round(meter, port, hand, selector)
    finally:
        signal.set_wakeup_fd(old_waker)
        for one, handler in old_handlers.items():
            signal.signal(one, handler)
        selector.close()
        woken.close()
        waker.close()


def _round(meter, port, hand, selector):
    """Wait for the next thing to happen; bytes in, bytes out."""
    due = meter.next_due()
    idle_s = _HAND_S if hand.polled() else _IDLE_S
    selector.select(idle_s if due is None else min(idle_s, max(0, (due - _now_ms()) / 1000)))
    if hand.polled():
        hand.move(meter, _now_ms())
    meter.line.head_baud = port.head_baud() or meter.model.baud
    data = port.read()
    if data:
        meter.receive(data, _now_ms())
    arrived = meter.due(_now_ms())
    if arrived:
        port.write(bytes(byte for _, byte in arrived))


def _now_ms():
    return time.monotonic() * 1000

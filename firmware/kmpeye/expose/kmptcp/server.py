# The head as a serial server: frames of KMP over TCP go to the meter, between our own readings, and its replies come
# back. Imports kmp's frames and tcp. Promises: one client at a time; only what reads is passed on, unless the owner
# allows more; one question is asked once, however often an impatient client repeats it.

import asyncio
import gc

from micropython import const

from kmp.frame import ACK, FRAME, FROM_METER, TO_METER, Reader, build
from kmpeye.expose import tcp

_CHUNK = const(64)
_BACKLOG = const(1)
# A client that is silent for longer may be gone without a word: it gives way to the next one.
_SILENT_S = const(30)
# Fifths of a second: a client that left while the meter was asked is noticed only then.
_TURN_WAITS = const(50)

_GET_REGISTER = const(0x10)
_BARE = const(b"\x01\x02\x9b")  # type, serial number, events: the command is all there is
_LOGS = const(0x28)  # A0 to A3 without their last two bits
_LOG_SHORTEST = const(7)  # command, log, count, one id, records, length
_MOST_REGISTERS = const(8)


def only_reads(application):
    """True for a command that reads and is complete: nothing else goes to the meter."""
    command = application[0]
    size = len(application)
    if size > 1 and command == _GET_REGISTER:
        return 1 <= application[1] <= _MOST_REGISTERS and size == 2 + 2 * application[1]
    if command >> 2 == _LOGS:
        return size >= _LOG_SHORTEST
    return size == 1 and command in _BARE


class KmpTcp:
    def __init__(self, app):
        self._app = app
        self._task = None  # of the client
        self._used_s = 0  # uptime when it last sent something, or was answered
        self._asking = False  # its question is at the meter
        self.error = "starting"
        self.heard = self._answers = self._refused = 0  # requests, and what became of them
        self._refused_command = None  # the last one: a client that repeats it does not fill the log

    def status(self):
        return {
            "state": "error" if self.error else "listening",
            "error": self.error,
            "clients": 1 if self._task else 0,
            "requests": self.heard,
            "answers": self._answers,
            "refused": self._refused,
        }

    async def run(self):
        clock = self._app.clock
        listener = await tcp.listening(self._app, "kmptcp", self, _BACKLOG)
        try:
            while True:
                await tcp.readable(listener)
                try:
                    socket = tcp.accept(listener)
                    for _ in range(_TURN_WAITS):
                        silent_s = 0 if self._asking else clock.uptime_s() - self._used_s
                        if not self._task or silent_s >= _SILENT_S:
                            break
                        await clock.sleep_ms(200)
                    else:
                        socket.close()
                        continue
                    if self._task:
                        self._task.cancel()
                    self._used_s = clock.uptime_s()
                    self._task = asyncio.create_task(self._serve(socket))
                except (OSError, MemoryError):
                    gc.collect()
                    await clock.sleep_ms(1000)  # it would spin while sockets are used up
        finally:
            listener.close()
            if self._task:
                self._task.cancel()

    async def _serve(self, socket):
        try:
            await self._talk(socket)
        except (OSError, MemoryError):
            pass  # the client has gone, or there is no room for it
        finally:
            socket.close()
            if self._task is asyncio.current_task():
                self._task = None

    async def _talk(self, socket):
        clock = self._app.clock
        reader = Reader()
        chunk = bytearray(_CHUNK)
        question = asked = reply = None  # the newest one; the one that was asked; what the meter said to that
        while True:
            count = socket.readinto(chunk)
            if count == 0:
                return
            if count:
                self._used_s = clock.uptime_s()
                pos = 0
                while pos < count:
                    pos = reader.feed(chunk, pos, count)
                    if reader.event == FRAME and reader.start == TO_METER:
                        question = bytes(memoryview(reader.buffer)[: reader.length - 2])
                await clock.sleep_ms(0)  # who sends without a pause is not alone
            elif question is None:
                await tcp.readable(socket)
            elif question != asked:  # who asks anew has given up the question before
                asked = question
                reply = await self._ask(question)
                self._used_s = clock.uptime_s()
            else:  # the reply to what was asked last, however often
                question = asked = None
                # A client that leaves no room for a frame has kilobytes of replies that it never took.
                if reply and socket.write(reply) != len(reply):
                    return

    async def _ask(self, question):
        """What the meter answers to an address and an application, as it goes onto the wire; None: it stays silent,
        as a meter does that cannot answer."""
        app = self._app
        self.heard += 1
        application = question[1:]
        if not only_reads(application) and not app.config["allow_meter_writes"]:
            if application[0] != self._refused_command:
                self._refused_command = application[0]
                app.log("kmptcp: command %02X is not passed on: it does not only read" % application[0])
            self._refused += 1
            return None
        self._asking = True
        try:
            reply, _ = await app.reader.relay(question[0], application)
        finally:
            self._asking = False
            app.forget()  # what the head needed, which nobody else may need for an hour
        if reply is None:
            return None
        self._answers += 1
        return build(FROM_METER, question[0], reply) if reply else bytes((ACK,))

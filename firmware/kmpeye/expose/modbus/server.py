# Modbus TCP: reads from the latest reading, for building management and Home Assistant. Nothing can be written.
# Imports tcp and asyncio; the files beside it are loaded while a client is connected. Promises: four clients, fewer
# where sockets are short, and one more takes the place of the one that has been silent longest; whatever they send,
# the others, the page and the reader run on.

import asyncio
import gc

from micropython import const

from kmpeye.expose import tcp

_CLIENTS = const(4)  # each takes about 400 bytes while it is connected
_BACKLOG = const(2)
_CHUNK = const(36)  # three reads: what one client can have answered before the others' turn
_PARTS = const("expose.modbus.image expose.modbus.pdu")


def _spare():
    """Whether the page still gets the two sockets that it needs: an ESP32 has ten for everybody."""
    socket = tcp.socket.socket
    try:
        one = socket()
        try:
            socket().close()
        finally:
            one.close()
        return True
    except OSError:
        return False


class Modbus:
    def __init__(self, app):
        self._app = app
        self._image = self._chunk = self._reply = None  # while nobody is connected
        self._tasks = []  # one for each client, the one that has been silent longest first
        self.error = "starting"
        self.heard = 0  # requests

    def status(self):
        return {
            "state": "error" if self.error else "listening",
            "error": self.error,
            "clients": len(self._tasks),
            "requests": self.heard,
        }

    async def run(self):
        tasks = self._tasks
        listener = await tcp.listening(self._app, "modbus", self, _BACKLOG)
        try:
            while True:
                await tcp.readable(listener)
                try:
                    socket = tcp.accept(listener)
                    if len(tasks) >= _CLIENTS or (tasks and not _spare()):
                        tasks.pop(0).cancel()
                    tasks.append(asyncio.create_task(self._serve(socket)))
                except (OSError, MemoryError):
                    gc.collect()
                    await self._app.clock.sleep_ms(1000)  # it would spin while sockets are used up
        finally:
            listener.close()
            for task in tasks:
                task.cancel()

    async def _serve(self, socket):
        tasks = self._tasks
        task = asyncio.current_task()
        try:
            requests = self._begin()
            while True:
                await tcp.readable(socket)
                count = socket.readinto(self._chunk)
                if count is None:
                    continue
                if not count or not self._answer(requests, count, socket):
                    break
                tasks.remove(task)
                tasks.append(task)
        except (OSError, MemoryError):
            pass  # the client has gone, or there is no room for it
        finally:
            socket.close()
            if task in tasks:
                tasks.remove(task)
            if not tasks:
                self._image = self._chunk = self._reply = None
                self._app.forget(*_PARTS.split())

    def _begin(self):
        """What a client needs; the first of them brings what all share."""
        from kmpeye.expose.modbus.image import Image
        from kmpeye.expose.modbus.pdu import REPLY_MAX, Requests

        if not self._image:
            self._chunk = bytearray(_CHUNK)
            self._reply = bytearray(REPLY_MAX)
            self._image = Image(self._app)
        return Requests()

    def _answer(self, requests, count, socket):
        """Answer what is complete in the chunk. False: the connection is of no more use."""
        from kmpeye.expose.modbus.pdu import answer

        pos = 0
        while pos < count:
            pos = requests.feed(self._chunk, pos, count)
            if requests.size < 0:
                return False
            if requests.size:
                self.heard += 1
                self._image.refresh()
                size = answer(requests.buffer, requests.size, self._image, self._reply)
                # A client that leaves no room for 260 bytes has kilobytes of replies that it never took.
                if socket.write(memoryview(self._reply)[:size]) != size:
                    return False
        return True

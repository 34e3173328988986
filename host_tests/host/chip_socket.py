"""A datagram socket that ends as the ESP32's does: after an empty packet MicroPython's port takes the other side for
gone and gives nothing any more (_socket_read_data in ports/esp32/modsocket.c; micropython-lib#736).

For monkeypatch.setattr(socket, "socket", ChipSocket).
"""

import socket


class ChipSocket(socket.socket):
    gone = False

    def recvfrom(self, size, flags=0):
        if self.gone:
            return b"", ("0.0.0.0", 0)
        data, source = super().recvfrom(size, flags)
        self.gone = not data
        return data, source

# Ports to the meter. A port is any object with these four methods, and nothing else:
#   write(data)     hands all bytes over at once (a request may not pause for more than 27 ms, 447 2.1)
#   readinto(buf)   what is there, without waiting: the count, None when nothing is there, 0 when the other
#                   end is gone for good
#   any()           true when readinto would give something
#   set_baud(baud)  changes the speed; 8 data bits, no parity, 2 stop bits
# plus close(). What goes wrong is an OSError. Each kind is imported only when it is used.


async def open_port(where, baud, clock, pins=None):
    """Open a port by its address: "uart" (needs pins, see port_uart), "socket://host:port" or a device path."""
    if where == "uart":
        from kmpeye.head.port_uart import UartPort

        return UartPort(baud, pins)
    if where.startswith("socket://"):
        from kmpeye.head.port_tcp import connect

        return await connect(where, clock)
    from kmpeye.head.port_tty import TtyPort

    return TtyPort(where, baud)

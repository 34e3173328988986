"""bacpypes3 as a client, a foreign device or a BBMD on addresses of the loopback, closed at the end of the block.

Uses bacpypes3 and nothing of ours.
"""

import asyncio
import contextlib

from bacpypes3.app import Application
from bacpypes3.basetypes import HostNPort, IPMode
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import IPv4Address


@contextlib.asynccontextmanager
async def client(host, port, bbmd=None):
    """bbmd: its own address makes it one, another address makes it its foreign device; (host, port)."""
    is_bbmd = bbmd == (host, port)
    # Only a network larger than one address has a broadcast, and only a BBMD of these tests sends one.
    address = "%s/%d:%d" % (host, 8 if is_bbmd else 32, port)
    network = NetworkPortObject(address, objectIdentifier=("network-port", 1), objectName="network")
    if is_bbmd:
        network.bacnetIPMode = IPMode.bbmd
        network.bbmdAcceptFDRegistrations = True
        network.bbmdForeignDeviceTable = []
        network.bbmdBroadcastDistributionTable = []
    elif bbmd:
        network.bacnetIPMode = IPMode.foreign
        network.fdBBMDAddress = HostNPort("%s:%d" % bbmd)
        network.fdSubscriptionLifetime = 30
    device = DeviceObject(objectIdentifier=("device", port), objectName="client", vendorIdentifier=999)
    application = Application.from_object_list([device, network])
    try:
        await asyncio.sleep(0.05)  # it opens its sockets in tasks
        yield application
    finally:
        application.close()
        await asyncio.sleep(0.05)


def at(port, host="127.0.0.1"):
    return IPv4Address("%s/32:%d" % (host, port))

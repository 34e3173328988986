"""BAC0 as a building's engineer uses it: bacnet_bac0.py DEVICE_ADDRESS OWN_PORT prints one JSON line at the end.

In a process of its own, because BAC0 keeps files in its home, logs to the screen and expects to own the event loop.
"""

import asyncio
import json
import sys

import BAC0


async def main(address, port):
    async with BAC0.start(ip="127.0.0.2/32", port=port, ping=False) as bacnet:
        found = await BAC0.device(address, 260001, bacnet, poll=0)
        points = {
            point.properties.name: [
                point.properties.type,
                point.properties.address,
                str(point.properties.units_state),
            ]
            for point in found.points
        }
        read = {
            what: str(await bacnet.read("%s %s presentValue" % (address, what)))
            for what in ("analogInput 68", "largeAnalogValue 68", "binaryInput 12", "characterstringValue 1")
        }
        everything = await bacnet.readMultiple("%s device 260001 all" % address)
    print(json.dumps({"points": points, "read": read, "properties": len(everything)}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))

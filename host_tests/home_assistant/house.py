"""The real Home Assistant in this process: its core and its MQTT integration on a broker, without frontend and pip.

Uses homeassistant. Promises: everything lies in one folder, and is stopped with its block.
"""

import asyncio
import contextlib
import json

from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.components import mqtt
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import frame
from homeassistant.setup import async_setup_component

WAIT_S = 60
# Retained, so that it is not missed: who announces before it is not heard.
_BIRTH = {"topic": "homeassistant/status", "payload": "online", "qos": 0, "retain": True}
_ENTRY = {
    "entry_id": "broker",
    "version": 1,
    "domain": "mqtt",
    "title": "broker",
    "options": {},
    "pref_disable_new_entities": False,
    "pref_disable_polling": False,
    "source": "user",
    "unique_id": None,
    "disabled_by": None,
}


@contextlib.asynccontextmanager
async def core(folder):
    """Home Assistant as far as templates and reports need it."""
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    if hasattr(frame, "async_setup"):
        frame.async_setup(hass)
    try:
        yield hass
    finally:
        await hass.async_stop(force=True)


@contextlib.asynccontextmanager
async def with_mqtt(folder, port):
    """Home Assistant connected to a broker on loopback."""
    data = {"broker": "127.0.0.1", "port": port, "discovery": True, "birth_message": _BIRTH}
    entries = [{**_ENTRY, "data": data}]
    stored = {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": entries}}
    (folder / ".storage").mkdir()
    (folder / ".storage" / "core.config_entries").write_text(json.dumps(stored))
    (folder / "configuration.yaml").write_text("")
    async with core(folder) as hass:
        loader.async_setup(hass)
        hass.config_entries = config_entries.ConfigEntries(hass, {})
        await bootstrap.async_load_base_functionality(hass)
        hass.auth = await auth_manager_from_config(hass, [], [])
        hass.set_state(CoreState.running)
        for part in ("homeassistant", "mqtt"):
            assert await async_setup_component(hass, part, {}), part
        await hass.async_block_till_done()
        born = asyncio.Event()
        await mqtt.async_subscribe(hass, _BIRTH["topic"], lambda _: hass.loop.call_soon_threadsafe(born.set))
        await asyncio.wait_for(born.wait(), WAIT_S)
        yield hass


async def until(hass, condition, what):
    """Lets Home Assistant work until a condition holds."""
    for _ in range(WAIT_S * 10):
        await hass.async_block_till_done()
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("not within %d s: %s" % (WAIT_S, what()))

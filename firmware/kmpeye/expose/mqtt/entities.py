# What Home Assistant calls a register: device class, state class, unit, precision. One table searched when asked;
# loaded only while an announcement is sent. Imports kmp's names. Promises: no class with a unit that Home Assistant
# refuses for it, and a difference of temperatures is never a temperature.

from micropython import const

from kmp.names import unit_name
from kmp.value import is_number

# Our units|device class|state class; without a row a unit has no class and is a measurement.
_CLASSES = const("""
| Wh kWh MWh GWh J kJ MJ GJ GJ·10 cal kcal Mcal Gcal |energy|total_increasing
| W kW MW GW |power|measurement
| °C |temperature|measurement
| K |temperature_delta|measurement
| l m³ m³·10 |volume|total_increasing
| l/h m³/h |volume_flow_rate|measurement
| h min s ms d |duration|measurement
| bar |pressure|measurement
| V kV |voltage|measurement
| A |current|measurement
| var |reactive_power|measurement
| VA |apparent_power|measurement
| Hz |frequency|measurement
| varh kvarh Mvarh Gvarh VAh kVAh MVAh GVAh m³·°C t t·10 ||total_increasing
""")
# What says something about the meter, not about what it measures.
_DIAGNOSTIC = const(
    " info info_events battery_days operating_hours error_hours target_date serial software config_1 config_2 config_3"
    " config_number_1 config_number_2 program_number base_module top_module type_number meter_number_1 "
)
_HOURS = const(("operating_hours", "error_hours"))  # they only grow; water meters send them as mere numbers
# Of those, what changes: the others begin switched off, as do the finer registers of a total.
_SHOWN = const(" info battery_days operating_hours ")


def describe(key, kind, unit, exponent):
    """Pairs of a discovery key and its JSON value for one register: sensor rows without topic and name."""
    factor = ""
    if is_number(unit):
        name = unit_name(unit)
        if not name and key in _HOURS:
            name = "h"
        if name[-3:] == "·10":  # Home Assistant has no such unit
            name = name[:-3]
            factor = "*10"
            exponent += 1
            row = unit_name(unit)
        else:
            row = name
        device, state = _classes(key, kind, row)
        if device:
            yield "dev_cla", device
        if state:
            yield "stat_cla", state
        if name:
            yield "unit_of_meas", name.replace("l", "L") if name in ("l", "l/h") else name
        if exponent < 0 or name:
            yield "sug_dsp_prc", max(0, -exponent)
    mark = " %s " % key
    if mark in _DIAGNOSTIC:
        yield "ent_cat", "diagnostic"
    if "high_resolution" in key or (mark in _DIAGNOSTIC and mark not in _SHOWN):
        yield "en", False
    # A register that is not in the reading is unknown, not what it was.
    if factor:
        value = (
            "{%% set v=value_json.registers.get('%s',{}).get('value') %%}{{ None if v is none else v%s }}"
            % (
                key,
                factor,
            )
        )
    else:
        value = "{{ value_json.registers.get('%s',{}).get('value') }}" % key
    yield "val_tpl", value


def _classes(key, kind, unit):
    if key[:12] == "power_factor":
        return "power_factor", "measurement"
    at = _CLASSES.find(" %s " % unit) if unit else -1
    if at < 0:
        return None, "measurement" if unit else None
    _, device, state = _CLASSES[at : _CLASSES.find("\n", at)].split("|")
    if device == "volume" and kind == "water" and key[:6] != "input_":
        device = "water"
    elif key in _HOURS:
        state = "total_increasing"
    return device, state

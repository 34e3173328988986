# What a person reads beside a value: the sign of its unit and a label for its key. Imports nothing; always loaded, so
# it holds no table of registers (that is kmp.registers). Texts searched when asked cost the chip least.

from micropython import const

# By unit code, "?" where it is not known. 21 and 25 are W and var here: the printed tables jump from one thousand to
# the next, and independent programs agree (some heat meter programs print kW and kvar).
_UNITS = const(
    "|Wh|kWh|MWh|GWh|J|kJ|MJ|GJ|cal|kcal|Mcal|Gcal|varh|kvarh|Mvarh|Gvarh|VAh|kVAh|MVAh|GVAh|W|kW|MW|GW|var|kvar"
    "|Mvar|Gvar|VA|kVA|MVA|GVA|V|A|kV|kA|°C|K|l|m³|l/h|m³/h|m³·°C|t|t/h|h||||||bar|||m³·10|t·10|GJ·10|min||s|ms|d"
    "|||imp/l|l/imp|Hz|°|?|?|?||?|?|?|?|?|?||?|?|?|?|?|%RH|%O₂|m/s|kJ/kg|pH|g/kg"
)
_UNIT_COUNT = const(91)

_LABELS = {
    "info": "Info code",
    "battery_days": "Battery days left",
    "rtc": "Meter clock",
    "serial": "Serial number",
}


def register_label(key):
    """What a person reads: "flow_temperature" is "Flow temperature"."""
    if key in _LABELS:
        return _LABELS[key]
    words = key.replace("_", " ")
    return words[0].upper() + words[1:]


def unit_name(unit):
    """The sign of a unit code: "m³"; "" for numbers, dates and clocks; "unit 99" for a code not known."""
    if not 0 <= unit < _UNIT_COUNT:
        return "unit %d" % unit
    start = 0
    for _ in range(unit):
        start = _UNITS.find("|", start) + 1
    end = _UNITS.find("|", start)
    sign = _UNITS[start:] if end < 0 else _UNITS[start:end]
    return sign if sign != "?" else "unit %d" % unit

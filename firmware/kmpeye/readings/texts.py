# What a flag or a reason of the guard means and what to do about it, for a person to read. One text, packed and read
# when asked, because a dict of it would cost the chip several times as much. Imports kmp's packed, and names when it
# needs them; is itself imported only where somebody looks.

from micropython import const

from kmp.packed import lines

# key|what it says|what to do
_TEXTS = const("""
air|Air in the flow sensor|Bleed the pipe and check the pressure; the volume counts too little
air_2|Air in the second flow sensor|Bleed the pipe and check the pressure; its volume counts too little
alarm_input_a|The alarm of pulse input A is active|Look at the meter or device on input A
alarm_input_b|The alarm of pulse input B is active|Look at the meter or device on input B
bad_difference|The temperature difference cannot be right|Flow and return sensor may be exchanged: tell the supplier
burst|Water flows, or is lost, as from a burst pipe|Close the main valve and look for water at once
burst_inward|Far more water returns than was supplied|Close the supply and call the installer at once
continuous_flow|No hour without flow in the last day|Look for a dripping tap, a running toilet or an open valve
dry|No water in the meter|Open the valve if it was closed; otherwise ask the waterworks
external_alarm|The meter's external alarm is active|Look at what is wired to its alarm input
flow_data|The calculator gets no data from the flow sensor|Check its cable; volume and energy stand still
flow_data_2|The calculator gets no data from the second flow sensor|Check its cable; its volume stands still
flow_high|The flow is above what the meter is made for|Reduce it: the meter wears out and counts wrongly
flow_high_2|The flow in the second sensor is above what it is made for|Reduce it: the sensor wears out
leak|Water flows without a pause, or is lost, as from a leak|Look for a dripping tap, a running toilet or a wet spot
leak_cold_water|The cold water meter on the pulse input never stands still|Look for a dripping tap or a running toilet
leak_input_a|The meter on pulse input A never stands still|Look for a leak behind that meter
leak_input_a2|The meter on pulse input A2 never stands still|Look for a leak behind that meter
leak_input_b|The meter on pulse input B never stands still|Look for a leak behind that meter
leak_input_b2|The meter on pulse input B2 never stands still|Look for a leak behind that meter
leak_inward|More water returns than was supplied|Look for a leak in a heat exchanger
low_ambient_temperature|It is so cold around the meter that it may freeze|Insulate or heat the place
low_battery|The meter's battery is nearly empty|Tell the supplier; read less often until it is changed
no_consumption|No water was used for long|Nothing, if nobody is at home; otherwise check the valve
no_supply|The meter was without power|If it goes on, check the supply or tell the supplier
pulse_figure|The flow sensor gives other pulses than the meter is set to|Tell the supplier: the volume may be wrong
pulse_figure_2|The second flow sensor gives other pulses than it should|Tell the supplier: its volume may be wrong
reverse|Water flows, or flowed, backwards|Check the direction of the meter and the non-return valve
reverse_2|Water flows backwards through the second sensor|Check its direction and the non-return valve
sensor_t1|The flow temperature sensor failed or is out of range|Check its cable; no energy is counted
sensor_t1_high|The flow temperature is above the range, or its sensor is broken|Check its cable; no energy is counted
sensor_t1_low|The flow temperature is below the range, or its sensor is shorted|Check its cable; no energy is counted
sensor_t2|The return temperature sensor failed or is out of range|Check its cable; no energy is counted
sensor_t2_high|The return temperature is above the range, or its sensor is broken|Check its cable; no energy is counted
sensor_t2_low|The return temperature is below the range, or its sensor is shorted|Check its cable; no energy is counted
sensor_t3|The third temperature sensor failed or is out of range|Check its cable
sensor_t3_high|The third temperature is above the range, or its sensor is broken|Check its cable
sensor_t3_low|The third temperature is below the range, or its sensor is shorted|Check its cable
tamper|The meter was opened or disturbed|Ask the supplier, who sees it too
impossible|is less than nothing, or more than this meter can count in 40 years|Check that the profile is this meter's
new_serial|comes with another serial number|Nothing: it is let through if the meter says so twice
rose_too_fast|is more than this meter can count in that time|Nothing: it is let through once that time has passed
total_fell|is less, and a total does not fall|If the meter was exchanged or reset, say so under meter exchange
unit_changed|is another quantity|If the meter was set up anew, say so under meter exchange
unknown_gap|is more, and nobody knows how long that took|Nothing: it is let through if the meter says so twice
""")


def held_sentence(known, key):
    """Why a register is held back, with both values and what to do; None when it is not. known: Guard.state()."""
    held = known["held"].get(key)
    if not held:
        return None
    from kmp.names import register_label

    says, todo = describe(held[0])
    before = known["accepted"].get(key)
    return "%s: %s%s %s. %s." % (
        register_label(key),
        _shown(held[1]),
        " after %s" % _shown(before) if before else "",
        says,
        todo,
    )


def _shown(mark):
    from kmp.names import unit_name
    from kmp.value import text

    return ("%s %s" % (text(mark[1], mark[2]), unit_name(mark[0]))).rstrip()


def describe(key):
    """(what it says, what to do) of a flag or a reason. An unnamed bit, or a key only a profile knows, is said as it
    is."""
    mark = key + "|"
    for line in lines(_TEXTS):
        if line.startswith(mark):
            _, says, todo = line.split("|")
            return says, todo
    if key.startswith("bit_"):
        says = "The meter sets bit %s of its info code" % key[4:]
        return says, "See the meter's manual: the profile has no name for this bit"
    words = key.replace("_", " ")
    return words[0].upper() + words[1:], "See the meter's manual"

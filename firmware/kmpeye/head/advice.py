# What a state of the diagnosis means and what to do about it, for a person to read. Imports kmp's packed; loaded only
# where somebody looks. One text, packed and read when asked: a dict of it would cost the chip several times as much.

from micropython import const

from kmp.packed import lines

# state|what it says|what to do. A state with a detail (what garbled bytes suggest, what wakes the meter) comes
# before the state alone.
_TEXTS = const("""
ok|The meter answers|Nothing to do
asleep.key|The meter has gone to sleep|Press its key, or let a servo or solenoid press it: it listens for 4 minutes
asleep.magnet|The meter has gone to sleep|Lift the head and put it back so that its magnet is felt; check the poles
asleep|The meter has gone to sleep|Wake it as its manual says
no_light.key|Not one byte comes back|Press the meter's key first; then check the LED, the receiver and the alignment
no_light.magnet|Not one byte comes back|Check magnet and poles (flowIQ: at the rim); then LED, receiver and alignment
no_light.unknown|Not one byte comes back|Water meters, MULTICAL 403, 602, 603, 803: check magnet and poles (flowIQ: \
at the rim). 302, 303, 402: press the key. All others: turn and move the head a few millimetres
no_light|Not one byte comes back|Check the wiring of LED and receiver, then turn and move the head a few millimetres
echo_only.key|The head hears only itself|Press the meter's key first; then move the head, and check 8 bits, 2 stop bits
echo_only.magnet|The head hears only itself|Check magnet and poles (flowIQ: at the rim); then move the head
echo_only.unknown|The head hears only itself|Water meters, MULTICAL 403, 602, 603, 803: check magnet and poles \
(flowIQ: at the rim). 302, 303, 402: press the key. All others: move the head a few millimetres
echo_only|The head hears only itself|Move the head a few millimetres; check the speed and 8 bits, 2 stop bits
garbled.baud|Something answers that cannot be read: probably at another speed|Set the speed to auto, or 1200, 2400, 9600
garbled.stop_bits|Bytes come in another format|Set the serial server or adapter to 8 data bits, no parity, 2 stop bits
garbled.inversion|Light and dark are exchanged|Invert the receiver, or the LED, in the settings of the board
garbled.noise|There is stray light, but no reply|Shade the head from sun and lamps; check that the meter is awake
garbled|Bytes come back, but no frame|Shade the head; check speed, 2 stop bits and inversion
bad_crc|Replies come, but damaged: the light is weak or disturbed|Move the head a little, clean the eye, shade it
other_device|Something else answers, or for another address|Check profile and address; only one reader may ask
throttled|The meter answered before and has gone silent, as some do when asked too often|Wait: it is tried rarely now, \
and then less often; a head with a fixed magnet may be lifted for a minute and put back
refused|The meter answers, but offers none of these registers|Choose the profile of this meter
budget_spent|What the meter's battery may spend today is spent|Wait until midnight UTC, or raise the budget or interval
starting|The meter has not been read yet|Wait a moment
out_of_memory|This reading did not fit into the memory|It is tried again; switch off ways out that are not needed
port_error|The port to the head cannot be used|Check its address, the cable and who else has it open
""")


def advice(state, detail=""):
    """(what it says, what to do). detail: for garbled what is suspected, else what wakes the meter."""
    exact = "%s.%s|" % (state, detail)
    mark = state + "|"
    for line in lines(_TEXTS):
        if line.startswith(exact) or line.startswith(mark):
            _, says, todo = line.split("|")
            return says, todo
    raise ValueError("there is no state %s" % state)

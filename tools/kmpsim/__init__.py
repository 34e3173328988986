# A simulated Kamstrup meter, byte for byte and millisecond for millisecond: firmware/kmp turned round.
#
#   model.py   a meter as data: meters/*.json
#   plant.py   the water and heat that flow through it; grid.py the electricity
#   quantity.py what registers can be registers of
#   state.py   its registers, exact; logger.py its logs
#   eye.py     when it can be asked at all
#   faults.py  what goes wrong on the way, by seed
#   line.py    light on a serial line: pace, wrong speed
#   meter.py   SimMeter: all of it without I/O; time comes in, bytes come out
#   ports.py, serve.py, hand.py   a TCP port or a pty in front of it and a hand at its magnet, in real time

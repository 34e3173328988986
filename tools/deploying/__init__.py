# Copying the firmware onto a board: what tools/deploy and tools/board are made of.
#
#   settings.py  what the person asked for, checked against the firmware's own table
#   plan.py      what has to be copied and removed: pure
#   device.py    the serial device: is it there, may we, who says what
#   board.py     the board behind it, by mpremote: look, copy, switch over, restart, listen
#   onboard.py   runs on the board, in MicroPython

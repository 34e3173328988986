# Putting MicroPython on a chip, with room for the firmware to run in place: what tools/flash is made of.
#
#   partitions.py  a partition table in, one with a romfs partition out: pure
#   image.py       a MicroPython image: for which chip, is it whole, its partition table
#   chip.py        the connected chip, by esptool
#   download.py    MicroPython for a chip, by mpflash

# What `make bench` measures: one module a subject. A new subject is one file here; tools/bench finds it.
#
#   FIGURES      the keys it gives, each with its limit and reason (figure.py)
#   measure()    runs the real parts and returns {key: number}; Missing when a part is not there
#
# Files on_micropython_*.py are not subjects: they run inside the interpreter of the chip.

# Strict stand-ins for the modules that only the chip has, for tests on three interpreters.

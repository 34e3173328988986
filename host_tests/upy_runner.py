# Runs one pure test file on MicroPython: micropython -X heapsize=... host_tests/upy_runner.py PATH/test_x.py
# Imports the file (or its .mpy) by name, calls every test_* function in the order of their names, prints a
# traceback for each that fails and "N passed" at the end; exit code 1 when one failed or there was none.
# Needs MICROPYPATH to name .frozen, the firmware and host_tests/pure, and the root of the repository as
# working directory.

import gc
import sys


def load(path):
    folder, _, name = path.rpartition("/")
    # At the end: host_tests/pure/kmp must not hide the firmware's kmp.
    sys.path.append(folder or ".")
    return __import__(name.rsplit(".", 1)[0])


def run(module):
    """(passed, failed) of all test functions of the module."""
    passed = failed = 0
    for name in sorted(dir(module)):
        test = getattr(module, name)
        if not name.startswith("test_") or not callable(test):
            continue
        gc.collect()  # a test starts with the heap its file leaves it, not with its neighbour's garbage
        try:
            test()
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED %s" % name)
            sys.print_exception(error)
    return passed, failed


def main(path):
    passed, failed = run(load(path))
    if not passed and not failed:
        print("no test_* function in %s" % path)
        failed = 1
    print("%d passed" % passed + (", %d failed" % failed if failed else ""))
    return 1 if failed else 0


sys.exit(main(sys.argv[1]))

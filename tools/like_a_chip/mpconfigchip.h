// What the ESP32's MicroPython is configured to and the unix port is not (ports/esp32/mpconfigport.h of MicroPython):
// floats of 24 bits, a clock that counts from 2000, a heap in areas that takes more of the system's when it is full, and
// what a chip lacks.
// tools/freeze builds with it; the port's own configuration comes first, so this is what holds.

#include <mpconfigport.h>
#include <stdint.h>

#undef MICROPY_FLOAT_IMPL
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)

#undef MICROPY_EPOCH_IS_1970
#define MICROPY_EPOCH_IS_1970 (0)
#undef MICROPY_PY_TIME_INCLUDEFILE
#define MICROPY_PY_TIME_INCLUDEFILE "like_a_chip/modtime.c"
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#undef MICROPY_PY_TIME_CUSTOM_SLEEP
#define mp_hal_time_ns time_ns_of_a_chip
uint64_t time_ns_of_a_chip(void);

#define MICROPY_GC_SPLIT_HEAP (1)
#define MICROPY_GC_SPLIT_HEAP_AUTO (1)
#define MP_PLAT_ALLOC_HEAP(size) system_heap_take(size)
#define MP_PLAT_FREE_HEAP(area) system_heap_give_back(area)
void *system_heap_take(size_t size);
void system_heap_give_back(void *area);

#undef MICROPY_ERROR_REPORTING
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)
#undef MICROPY_PY_GC_COLLECT_RETVAL
#define MICROPY_PY_GC_COLLECT_RETVAL (0)
#undef MICROPY_PY_SYS_ATEXIT
#define MICROPY_PY_SYS_ATEXIT (0)
#undef MICROPY_PY_SYS_EXC_INFO
#define MICROPY_PY_SYS_EXC_INFO (0)

// What the ESP32's MicroPython is configured to and the unix port is not (ports/esp32/mpconfigport.h of MicroPython):
// floats of 24 bits, a heap in areas that takes more of the system's when it is full, and what a chip lacks.
// tools/freeze builds with it; the port's own configuration comes first, so this is what holds.

#include <mpconfigport.h>

#undef MICROPY_FLOAT_IMPL
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)

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

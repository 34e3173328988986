// The time module of the ESP32's port as it is, with a clock that counts from 2000, as that of an ESP32 does.

#include <sys/time.h>

#include "shared/timeutils/timeutils.h"

static int clock_of_a_chip(struct timeval *now, void *zone) {
    int failed = gettimeofday(now, zone);
    now->tv_sec -= TIMEUTILS_SECONDS_1970_TO_2000;
    return failed;
}

#define gettimeofday clock_of_a_chip
#include "ports/esp32/modtime.c"
#undef gettimeofday

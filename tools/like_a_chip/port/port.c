// What MicroPython asks of a chip's port and the unix port lacks.

#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>

#include "py/gc.h"
#include "shared/timeutils/timeutils.h"

uint64_t time_ns_of_a_chip(void) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return (now.tv_sec - TIMEUTILS_SECONDS_1970_TO_2000) * 1000000000ULL + now.tv_usec * 1000ULL;
}

// The system's heap that Python's may grow into: SYSTEM_HEAP bytes by the environment, none without it. On a chip Wi-Fi
// lives there too; gc.c asks for the largest block, takes areas and gives empty ones back.

typedef struct {
    size_t size;
    uint8_t padding[16 - sizeof(size_t)]; // areas begin where malloc's do
} head_t;

static size_t taken;

static size_t all(void) {
    const char *bytes = getenv("SYSTEM_HEAP");
    return bytes == NULL ? 0 : strtoul(bytes, NULL, 10);
}

size_t gc_get_max_new_split(void) {
    size_t size = all();
    return size > taken ? size - taken : 0;
}

void *system_heap_take(size_t size) {
    head_t *head = malloc(sizeof(head_t) + size);
    if (head == NULL) {
        return NULL;
    }
    head->size = size;
    taken += size;
    return head + 1;
}

void system_heap_give_back(void *area) {
    head_t *head = (head_t *)area - 1;
    taken -= head->size;
    free(head);
}

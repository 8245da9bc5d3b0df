#include "base/fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[CGV_FAULT_POINTS] = {
    [CGV_FAULT_MEMORY] = "memory", [CGV_FAULT_PIPELINE] = "pipeline", [CGV_FAULT_SUBMIT] = "submit",
    [CGV_FAULT_WAIT] = "wait",     [CGV_FAULT_READ] = "read",         [CGV_FAULT_ENCODE] = "encode",
    [CGV_FAULT_KERNEL] = "kernel",
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool wanted; // any at all
static atomic_long calls_left[CGV_FAULT_POINTS];

static void read_environment(void) {
    const char *text = getenv("CGV_FAULT");
    for (; text && *text; text += strcspn(text, ",") + (strchr(text, ',') != NULL)) {
        size_t length = strcspn(text, "@,");
        for (int i = 0; i < CGV_FAULT_POINTS && text[length] == '@'; i++)
            if (strlen(names[i]) == length && !strncmp(text, names[i], length)) {
                atomic_store(&calls_left[i], atol(text + length + 1));
                wanted = true;
            }
    }
}

bool cgv_fault(cgv_fault_point point) {
    pthread_once(&once, read_environment);
    return wanted && atomic_fetch_sub(&calls_left[point], 1) == 1;
}

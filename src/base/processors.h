// What the machine's processors do, for this process and for others.
#ifndef CGV_BASE_PROCESSORS_H
#define CGV_BASE_PROCESSORS_H

#include <stdbool.h>

// Time of all processors together in clock ticks, since the machine was started.
typedef struct cgv_processor_times {
    long long passed; // 0: unknown
    long long others; // of it, used by other processes than this one
} cgv_processor_times;

cgv_processor_times cgv_processor_times_now(void);

// Whether other processes left most of the processors' time unused between the two; false where
// that is unknown.
bool cgv_processors_were_idle(cgv_processor_times begin, cgv_processor_times end);

#endif

// Where the device is a CPU that decodes and encodes as well, its threads come first: one of them
// that is kept waiting keeps all of the others waiting at the end of the dispatch.
#ifndef CGV_APP_YIELD_H
#define CGV_APP_YIELD_H

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

// Let this thread, and those that it starts from here on, wait for the ones there are.
// gaps_will_do: where the machine has been idle since `begin`, taken when the program was started,
// they run only when no other thread wants to. Where it has not, or where frames come in their own
// time, other programs would keep them waiting as well, so they have a lower priority instead.
void cgv_yield(cgv_processor_times begin, bool gaps_will_do);

#endif

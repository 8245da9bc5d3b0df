// Where the device is a CPU that decodes and encodes as well, its threads come first: one of them
// that is kept waiting keeps all of the others waiting at the end of the dispatch.
#ifndef CGV_APP_YIELD_H
#define CGV_APP_YIELD_H

#include "base/processors.h"

// Let this thread, and those that it starts from here on, wait for the ones there are.
// gaps_will_do: where the machine has been idle since `begin`, taken when the program was started,
// they run only when no other thread wants to. Where it has not, or where frames come in their own
// time, other programs would keep them waiting as well, so they have a lower priority instead.
void cgv_yield(cgv_processor_times begin, bool gaps_will_do);

#endif

#include "push.h"

CGV_PUSH(region_merge)
    uint64_t moments;     // [parts][planes][3]
    uint64_t stats, keep; // keep 0: none
    int parts;
    int planes;
    float epsilon;
CGV_PUSH_END(region_merge)

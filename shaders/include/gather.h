#include "push.h"

CGV_PUSH(gather)
    uint64_t y, x;
    int count;
    int c, h, w, out_c, out_h, out_w;
    int before[3]; // of a margin: channels, rows, columns
    float value;
CGV_PUSH_END(gather)

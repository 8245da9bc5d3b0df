#include "push.h"

CGV_PUSH(resize)
    uint64_t y, x;
    int count;
    int h, w, out_h, out_w;
    float shift;              // of the new element, to its centre, and back from the old one's
    float times[2], over[2];  // position = (o + shift) * times / over - shift; rows, columns
CGV_PUSH_END(resize)

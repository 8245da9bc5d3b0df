#include "push.h"

CGV_PUSH(night)
    uint64_t y, x, day, scene;
    int plane; // pixels of a picture
    int count; // pixels of all pictures
    // Of the day's brightness, from 0 to 1 and to this power, what the ground keeps at most, and of
    // what it may keep, how much at least.
    float gamma, most, light;
CGV_PUSH_END(night)

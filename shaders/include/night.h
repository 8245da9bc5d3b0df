#include "push.h"

CGV_PUSH(night)
    uint64_t y, x, day, scene;
    int plane; // pixels of a picture
    int count; // pixels of all pictures
    float light; // of the day's brightness, on the ground at least; not of windows
CGV_PUSH_END(night)

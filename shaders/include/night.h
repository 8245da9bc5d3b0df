#include "push.h"

CGV_PUSH(night)
    uint64_t y, x, day, scene;
    int plane; // pixels of a picture
    int count; // pixels of all pictures
    float light, most; // of the day's brightness, on the ground at least (not of windows) and at most
CGV_PUSH_END(night)

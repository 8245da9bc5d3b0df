#include "push.h"

CGV_PUSH(night)
    uint64_t y, x, day, skies;
    int plane; // pixels of a picture
    int count; // pixels of all pictures
CGV_PUSH_END(night)

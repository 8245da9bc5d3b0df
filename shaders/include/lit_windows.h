#include "push.h"

CGV_PUSH(lit_windows)
    uint64_t y, x, day, scene;
    int plane; // pixels of a picture
    int count; // pixels of all pictures
CGV_PUSH_END(lit_windows)

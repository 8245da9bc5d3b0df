#include "push.h"

CGV_PUSH(pool_swap)
    uint64_t y, fake, pool;
    uint64_t choice; // two ints: the slot to put `fake` into or -1, the slot to show or -1
    int count;       // elements of a picture
CGV_PUSH_END(pool_swap)

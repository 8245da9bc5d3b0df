#include "push.h"

CGV_PUSH(winograd_pack)
    uint64_t packed, weights;
    int cin, cout;
    int pairs, blocks;
    int count; // invocations: channels in, in pairs, by channels out, in blocks
CGV_PUSH_END(winograd_pack)

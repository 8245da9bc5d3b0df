#include "push.h"

#define PAD_FOLD_ROWS 32 // of a workgroup

CGV_PUSH(pad_fold)
    uint64_t dx, dpadded;
    int h, w; // of dx
    int pad;
    int planes;
CGV_PUSH_END(pad_fold)

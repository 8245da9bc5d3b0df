#include "push.h"

CGV_PUSH(pixel_rows)
    uint64_t luma, chroma, rgb, original, flag; // original: 0 for none
    int luma_stride;    // bytes
    int chroma_stride;  // floats
    int width, height;  // of the picture
    int tensor_width, tensor_height;
    float kr, kb;
    int full_range;
    int depth, shift;
    float strength;
    int wipe, line; // as pixel_pack's
CGV_PUSH_END(pixel_rows)

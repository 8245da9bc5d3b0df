#include "push.h"

CGV_PUSH(pixel_chroma)
    uint64_t chroma, rgb, original; // original 0: none
    int width;                      // of the picture
    int tensor_width, tensor_height;
    int chroma_width;
    int count;                      // of chroma samples in all rows of the picture
    float kr, kb;
    float strength;
    int wipe, line;
CGV_PUSH_END(pixel_chroma)

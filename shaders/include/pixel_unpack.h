#include "push.h"

// Where one component's samples lie, packed: step, offset (bytes, 8 bits each), shift, depth.
CGV_PUSH(pixel_unpack)
    uint64_t rgb;
    uint64_t plane[3]; // of the components' samples
    int stride[3];
    uint where[3];
    int width, height;     // of the picture
    int out_width, out_height; // of the tensor
    int chroma_width, chroma_height;
    float kr, kb;
    int full_range;
    float peak; // of HDR, nits
CGV_PUSH_END(pixel_unpack)

#include "push.h"

CGV_PUSH(pixel_columns)
    uint64_t plane[2], chroma; // codes; the samples as pixel_rows.comp left them
    int stride[2];             // of planes, bytes
    int chroma_stride;         // floats
    int height;                // of the picture
    int rows;                  // of a plane
    int full_range;
    int depth, shift;
CGV_PUSH_END(pixel_columns)

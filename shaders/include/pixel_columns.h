#include "push.h"

CGV_PUSH(pixel_columns)
    uint64_t plane, chroma; // codes of one component; its samples as pixel_rows.comp left them
    int stride;             // of plane, bytes
    int chroma_stride;      // floats
    int height;             // of the picture
    int rows;               // of the plane
    int full_range;
    int depth, shift;
CGV_PUSH_END(pixel_columns)

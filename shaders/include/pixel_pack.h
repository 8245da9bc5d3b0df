#include "push.h"

CGV_PUSH(pixel_pack)
    uint64_t plane, rgb, original, chroma, flag; // original, chroma, flag: 0 for none
    int stride;
    int units;  // of a row of the plane: bytes, or 16-bit words
    int rows;
    uint components; // which one each unit of a step holds, 4 bits each; 15: none
    int height; // of the picture
    int tensor_width, tensor_height;
    int chroma_width;
    float kr, kb;
    int full_range;
    int depth, shift;
    float strength;
    int wipe, line; // columns that show the original, and the width of the line behind them
CGV_PUSH_END(pixel_pack)

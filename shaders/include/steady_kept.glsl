// Pixels as they are kept from frame to frame, history [2][h][w]: of each pixel four numbers of 16
// bits, the picture as it came out and the luma of the input. Frames write the halves in turn: the
// second word of the state says which.
const float KEPT_UNITS = 65534;
const uint NOTHING = 0xffff; // luma of a pixel that is not to be used: it was not a number

vec3 kept_pixel(uvec2 word)
{
    return vec3(ivec3(word.x & 0xffff, word.x >> 16, word.y & 0xffff)) * (2 / KEPT_UNITS) - 1;
}

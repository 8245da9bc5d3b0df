// From numbers to the codes of a picture. Needs DITHER, and push.depth, shift.

// What is added before rounding down: one half, or where codes are dithered (x + 1/2) / 64 of an
// 8x8 Bayer matrix (1973), whose mean is one half. A value that is a code stays that code.
float threshold(int x, int y)
{
    if (DITHER == 0)
        return 0.5;
    int rank = 0;
    for (int bit = 0; bit < 3; bit++)
        rank = rank << 2 | ((x ^ y) >> bit & 1) << 1 | (y >> bit & 1);
    return (float(rank) + 0.5) / 64;
}

// scale: code of zero, codes per unit; (x, y): where the sample lies in its plane.
uint code_of(float value, vec2 scale, int x, int y)
{
    float limit = float((1 << push.depth) - 1);
    return uint(whole(clamp(value * scale.y + scale.x + threshold(x, y), 0, limit))) << push.shift;
}

bool not_finite(vec3 v)
{
    uvec3 exponent = floatBitsToUint(v) & 0x7f800000u;
    return max(max(exponent.x, exponent.y), exponent.z) == 0x7f800000u;
}

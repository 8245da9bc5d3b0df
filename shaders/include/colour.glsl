// Digital colour components to numbers and back (ITU-R BT.601, 709, 2020; 8 to 16 bits).
// Luma, R, G, B in [0, 1]; Cb, Cr in [-0.5, 0.5].

const int KIND_GREY = 0;
const int KIND_YUV = 1;
const int KIND_RGB = 2;

// Code of zero, and codes per unit.
vec2 luma_scale(int depth, int full_range)
{
    return full_range != 0 ? vec2(0, (1 << depth) - 1)
                           : vec2(16 << (depth - 8), 219 << (depth - 8));
}

vec2 chroma_scale(int depth, int full_range)
{
    return vec2(1 << (depth - 1), full_range != 0 ? (1 << depth) - 1 : 224 << (depth - 8));
}

vec3 yuv_to_rgb(vec3 yuv, float kr, float kb)
{
    float r = yuv.x + 2 * (1 - kr) * yuv.z;
    float b = yuv.x + 2 * (1 - kb) * yuv.y;
    return vec3(r, (yuv.x - kr * r - kb * b) / (1 - kr - kb), b);
}

vec3 rgb_to_yuv(vec3 rgb, float kr, float kb)
{
    float y = kr * rgb.r + (1 - kr - kb) * rgb.g + kb * rgb.b;
    return vec3(y, (rgb.b - y) / (2 * (1 - kb)), (rgb.r - y) / (2 * (1 - kr)));
}

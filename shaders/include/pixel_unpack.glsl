// What both shaders that turn planes into tensors share.
layout(constant_id = 3) const int KIND = KIND_YUV;
layout(constant_id = 4) const int LOG2_CHROMA_W = 1;
layout(constant_id = 5) const int LOG2_CHROMA_H = 1;
layout(constant_id = 6) const int WIDE = 0; // samples lie in 16-bit words
layout(constant_id = 7) const int TRANSFER = TRANSFER_SDR;
layout(constant_id = 8) const int GAMUT = GAMUT_BT709;
layout(constant_id = 9) const int SITE_X = 0; // position of the first chroma sample, in halves of a pixel
layout(constant_id = 10) const int SITE_Y = 1;

// The number in a sample's word.
float sample_of(int c, uint word)
{
    uint where = push.where[c];
    return float(int(word >> (where >> 16 & 255) & (1u << (where >> 24)) - 1));
}

float sample_at(int c, int x, int y)
{
    uint where = push.where[c];
    uint64_t address = push.plane[c] + uint64_t(y) * push.stride[c] +
                       uint64_t(uint(x) * (where & 255) + (where >> 8 & 255));
    uint word = Words(address & ~uint64_t(3)).v[0] >> (8 * (uint(address) & 3));
    return sample_of(c, word & (WIDE != 0 ? 0xffffu : 0xffu));
}

// Before which chroma sample pixel x lies, at least -1, and how far behind it; for a ratio of 1 << log2_ratio.
int chroma_before(int x, int log2_ratio, int site)
{
    return (2 * x + (2 << log2_ratio) - site >> log2_ratio + 1) - 1;
}

float chroma_behind(int x, int log2_ratio, int site)
{
    int rest = 2 * x + (2 << log2_ratio) - site & (2 << log2_ratio) - 1;
    return float(rest) / float(2 << log2_ratio);
}

// The components of a pixel as R'G'B' in [-1, 1]. Values outside the gamut are kept: a network that
// does nothing returns them.
vec3 to_rgb(vec3 v)
{
    int depth = int(push.where[0] >> 24);
    vec2 luma = luma_scale(depth, push.full_range), chroma = chroma_scale(depth, push.full_range);
    vec3 rgb;
    if (KIND == KIND_RGB)
        rgb = (v - luma.x) / luma.y;
    else if (KIND == KIND_GREY)
        rgb = vec3((v.x - luma.x) / luma.y);
    else
        rgb = yuv_to_rgb((v - vec3(luma.x, chroma.xx)) / vec3(luma.y, chroma.yy), push.kr, push.kb);
    if (TRANSFER != TRANSFER_SDR)
        rgb = tone_map(rgb, TRANSFER, GAMUT, push.peak);
    return 2 * rgb - 1;
}

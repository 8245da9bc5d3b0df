// The chroma filter of packing, one axis at a time, and the pixels that it starts from.
//
// Chroma is brought down by the filter whose exact inverse is the linear interpolation of
// pixel_unpack.comp: [-1 2 6 2 -1] / 8 about a sample that coincides with a luma sample, and
// [-1 3 3 -1] / 4 about one between two (the analysis filters of the biorthogonal wavelets 5/3 and
// 1/3, Cohen, Daubechies, Feauveau 1992). So what passes unchanged through the network comes out
// unchanged. Where an odd size puts the last chroma sample beyond the last luma sample, which is
// all that shows of it, solving that interpolation for it gives other weights at the end.
//
// Needs BLEND (mix with push.original), and push.rgb, original, tensor_width, tensor_height,
// strength, wipe, line.

vec3 load_pixel(uint64_t tensor, int i)
{
    int plane = push.tensor_width * push.tensor_height;
    return vec3(Floats(at(tensor, i)).v[0], Floats(at(tensor, i + plane)).v[0],
                Floats(at(tensor, i + 2 * plane)).v[0]);
}

// `v`, which is pixel `i` of push.rgb, in column x, blended, in [0, 1]. Left of the wipe the original
// shows, and the wipe begins with a white line.
vec3 finish_pixel(vec3 v, int i, int x)
{
    bool left = x < push.wipe;
    if (BLEND != 0 && (left || push.strength < 1)) {
        vec3 before = load_pixel(push.original, i);
        v = left ? before : before + push.strength * (v - before);
    }
    if (BLEND != 0 && !left && x < push.wipe + push.line)
        return vec3(1);
    return 0.5 * v + 0.5;
}

// site: position of the first chroma sample in halves of a luma pixel.
int chroma_taps(int log2_ratio, int site)
{
    return log2_ratio == 0 ? 1 : site == 1 ? 4 : 5;
}

// The first luma sample of the filter's window for chroma sample c, before it is drawn back.
int chroma_first(int c, int taps, int site)
{
    return taps == 1 ? c : 2 * c + site / 2 - (taps == 5 ? 2 : 1);
}

// Taps that would lie behind an end of other weights: the window is drawn back by as many.
int chroma_past(int first, int taps, int site, int size)
{
    return taps > 1 && site > 0 && size % 2 != 0 ? max(first + taps - size, 0) : 0;
}

float chroma_weight(int taps, int past, int k)
{
    if (taps == 1)
        return 1;
    if (taps == 4) {
        if (past > 0) // [1 -3 -3 17] / 12
            return k == 3 ? 17.0 / 12 : k == 0 ? 1.0 / 12 : -0.25;
        return k == 1 || k == 2 ? 0.75 : -0.25;
    }
    if (past == 1) // the last but one: [0 -1 2 7 0] / 8
        return k == 1 ? -0.125 : k == 2 ? 0.25 : k == 3 ? 0.875 : 0;
    if (past > 1) // [0 0 0 -1 2]
        return k == 3 ? -1 : k == 4 ? 2 : 0;
    return k == 2 ? 0.75 : k == 1 || k == 3 ? 0.25 : -0.125;
}

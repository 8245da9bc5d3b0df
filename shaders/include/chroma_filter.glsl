// The chroma filter of packing, one axis at a time.
//
// Chroma is brought down by the filter whose exact inverse is the linear interpolation of
// pixel_unpack.comp: [-1 2 6 2 -1] / 8 about a sample that coincides with a luma sample, and
// [-1 3 3 -1] / 4 about one between two (the analysis filters of the biorthogonal wavelets 5/3 and
// 1/3, Cohen, Daubechies, Feauveau 1992). So what passes unchanged through the network comes out
// unchanged. Where an odd size puts the last chroma sample beyond the last luma sample, which is
// all that shows of it, solving that interpolation for it gives other weights at the end.

// The first luma sample of the filter's window for chroma sample c, before it is drawn back. site:
// position of the first chroma sample in halves of a luma pixel.
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

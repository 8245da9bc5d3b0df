#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "histogram.glsl"

// By one workgroup for one opponent colour of a band of rows: the values that the ends of each bin of x
// take when x gets the distribution of `reference`, keeping the order of its elements.

const int X = 0, REFERENCE = 1;
// How many elements lie in the bins below.
shared uint below[2][HISTOGRAM_BINS + 1];

int lane = int(gl_LocalInvocationID.x), lanes = int(gl_WorkGroupSize.x);

// Integer sums: in any order the same.
void count_in(int which, uint64_t first, int count, int colour)
{
    for (int i = lane; i < count; i += lanes) {
        float x = opponent_at(first, i, push.h * push.w)[colour];
        atomicAdd(below[which][bin_of(bin_position(x)) + 1], 1u);
    }
}

// The first row of a band.
int band_row(int band)
{
    return divide(band * push.h + push.bands - 1, push.bands);
}

void add_up(int which)
{
    for (int b = 1; b <= HISTOGRAM_BINS; b++)
        below[which][b] += below[which][b - 1];
}

// The last bin of the reference that begins at this rank or below it, or, from the left, below it alone.
int bin_at(uint rank, bool left)
{
    int low = 0, high = HISTOGRAM_BINS; // it is in [low, high)
    while (high - low > 1) {
        int middle = (low + high) >> 1;
        uint begins = below[REFERENCE][middle];
        if (left ? begins < rank : begins <= rank)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// The value at a rank: the limit from the right, where values of higher ranks come from, or the left.
float value_at(uint rank, bool left)
{
    int b = bin_at(rank, left);
    uint begins = below[REFERENCE][b], ends = below[REFERENCE][b + 1];
    float inside = ends > begins ? float(rank - begins) / float(ends - begins) : 0;
    return (float(b) + inside) * (2.0 / HISTOGRAM_BINS) - 1;
}

void main()
{
    int segment = int(gl_WorkGroupID.x), plane = divide(segment, push.bands);
    int band = segment - plane * push.bands, picture = divide(plane, 3), colour = plane - 3 * picture;
    int top = band_row(band), count = (band_row(band + 1) - top) * push.w;
    int first = (3 * picture * push.h + top) * push.w;
    for (int b = lane; b <= HISTOGRAM_BINS; b += lanes) {
        below[X][b] = 0;
        below[REFERENCE][b] = 0;
    }
    barrier();
    count_in(X, at(push.x, first), count, colour);
    count_in(REFERENCE, at(push.reference, first), count, colour);
    barrier();
    if (lane < 2)
        add_up(lane);
    barrier();
    uint64_t table = at(push.table, segment * 2 * HISTOGRAM_BINS);
    for (int b = lane; b < HISTOGRAM_BINS; b += lanes) {
        uint begins = below[X][b], ends = below[X][b + 1];
        bool empty = begins == ends; // but rounding may lead a pixel here
        float low = value_at(empty ? max(begins, 1u) : begins, empty);
        Floats(at(table, 2 * b)).v[0] = low;
        Floats(at(table, 2 * b + 1)).v[0] = empty ? low : value_at(ends, true);
    }
}

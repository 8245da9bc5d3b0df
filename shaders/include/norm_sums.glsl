// The statistics of a run of elements, by one subgroup. Needs PAIRS (x is a multiple of 8).
#include "moments.glsl"
#include "sums.glsl"

// Elements [first, end) of x, of which there is at least one. Sums are taken about the mean of the
// first elements, so that a plane far from zero does not cancel. The same for all lanes.
Moments moments_of(uint64_t x, int first, int end)
{
    int lane = int(gl_SubgroupInvocationID);
    float own = Floats(at(x, min(first + lane, end - 1))).v[0], origin = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        origin += subgroupBroadcast(own, uint(l));
    origin /= SUBGROUP;
    float sum = 0, squares = 0, lost_sum = 0, lost_squares = 0;
    if (PAIRS != 0) {
        for (int i = first + 2 * lane; i < end; i += 2 * SUBGROUP) {
            vec2 d = load_pair(at(x, i)) - origin;
            add_compensated(sum, lost_sum, d.x + d.y);
            add_compensated(squares, lost_squares, d.x * d.x + d.y * d.y);
        }
    } else {
        for (int i = first + lane; i < end; i += SUBGROUP) {
            float d = Floats(at(x, i)).v[0] - origin;
            add_compensated(sum, lost_sum, d);
            add_compensated(squares, lost_squares, d * d);
        }
    }
    // In lane order: the same bits every time.
    float total = 0, total_squares = 0;
    [[unroll]] for (int l = 0; l < SUBGROUP; l++) {
        total += subgroupBroadcast(sum, uint(l));
        total_squares += subgroupBroadcast(squares, uint(l));
    }
    float count = float(end - first);
    return Moments(count, origin + total / count, max(total_squares - total * total / count, 0));
}

#include "eval/sort.h"

#include <stdint.h>
#include <string.h>

// Radix sort on the bits: millions of projections are sorted, which by comparisons takes longer
// than all the rest.
enum { DIGIT = 11, DIGITS = 3, VALUES = 1 << DIGIT };

// Bits that order as the numbers do: negative ones from the back, below the positive.
static uint32_t key_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ (bits >> 31 ? UINT32_MAX : 1u << 31);
}

void cgv_sort_floats(float *values, float *scratch, size_t count) {
    size_t starts[DIGITS][VALUES] = {{0}};
    for (size_t i = 0; i < count; i++) {
        uint32_t key = key_of(values[i]);
        for (int digit = 0; digit < DIGITS; digit++)
            starts[digit][key >> digit * DIGIT & (VALUES - 1)]++;
    }
    float *from = values, *to = scratch;
    for (int digit = 0; digit < DIGITS; digit++) {
        size_t next = 0;
        for (int value = 0; value < VALUES; value++) {
            size_t here = starts[digit][value];
            starts[digit][value] = next;
            next += here;
        }
        for (size_t i = 0; i < count; i++)
            to[starts[digit][key_of(from[i]) >> digit * DIGIT & (VALUES - 1)]++] = from[i];
        float *other = from;
        from = to;
        to = other;
    }
    memcpy(values, from, count * sizeof *values); // three passes end in scratch
}

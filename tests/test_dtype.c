// Half precision: every number of it, and every float32 near the border between two.
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "model/dtype.h"
#include "support.h"

enum { HALVES = 65536, INFINITE = 0x7c00 }; // of the positive ones, those below INFINITE are finite

static float decode(uint16_t half) {
    float value;
    cgv_dtype_to_float(&value, (const uint8_t *)&half, 1, 1, CGV_DTYPE_F16);
    return value;
}

static void test_all_halves_return(void) {
    for (int i = 0; i < HALVES; i++) {
        uint16_t half = (uint16_t)i;
        float value = decode(half);
        uint16_t back = cgv_half_from_float(value);
        bool nan = (half & 0x7fff) > INFINITE;
        CU_ASSERT_EQUAL(isnan(value) != 0, nan);
        CU_ASSERT(nan ? (back & 0x7fff) > INFINITE : back == half);
    }
}

// From the definition: sign, exponent biased by 15, 10 bits of mantissa. The exponent 31 counts as
// any other here, so that INFINITE is 65536, where rounding has its last border.
static double value_of(int half) {
    int exponent = half >> 10, mantissa = half & 1023;
    return exponent ? ldexp(1 + mantissa / 1024., exponent - 15) : ldexp(mantissa / 1024., -14);
}

// The nearest half by bisection; of two, the even one.
static int reference(double value) {
    int low = 0, high = INFINITE; // low's value <= value
    if (value >= value_of(INFINITE))
        return INFINITE;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (value_of(middle) <= value)
            low = middle;
        else
            high = middle;
    }
    double below = value - value_of(low), above = value_of(high) - value;
    if (below == above)
        return low % 2 ? high : low;
    return below < above ? low : high;
}

static void check(float value) {
    int wanted = reference(fabs((double)value)) | (signbit(value) ? 0x8000 : 0);
    if (cgv_half_from_float(value) != wanted) {
        printf("%a gives %04x, not %04x\n", (double)value, cgv_half_from_float(value), wanted);
        CU_FAIL("a float32 is rounded wrongly");
    }
}

static void test_borders(void) {
    for (int i = 0; i < INFINITE; i++) {
        float border = (float)((value_of(i) + value_of(i + 1)) / 2); // exact in float32
        const float values[] = {decode((uint16_t)i), border, nextafterf(border, 0),
                                nextafterf(border, INFINITY)};
        for (int k = 0; k < 4; k++) {
            check(values[k]);
            check(-values[k]);
        }
    }
    const float extremes[] = {1e-45f, 1.17549435e-38f, 3.40282347e38f, INFINITY};
    for (int i = 0; i < 4; i++) {
        check(extremes[i]);
        check(-extremes[i]);
    }
}

static void test_random_floats(void) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 7, 0);
    for (int i = 0; i < 300000; i++) {
        uint32_t bits = cgv_rng_u32(&rng);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isnan(value))
            check(value);
        check(cgv_rng_normal(&rng) * 0.02f); // as weights are
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"all halves return", test_all_halves_return},
        {"borders between two halves", test_borders},
        {"random float32", test_random_floats},
        {0},
    };
    return cgv_test_run("dtype", cases);
}

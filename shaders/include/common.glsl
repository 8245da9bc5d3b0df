// What every shader starts with.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require

layout(constant_id = 0) const int SUBGROUP = 8;
layout(local_size_x_id = 1, local_size_y_id = 2) in;

// Memory is reached through 64-bit addresses only: on lavapipe such a load is one gather, where a
// storage buffer load becomes a branch per lane. Addresses are kept as uint64_t: Mesa 25.0.7
// miscompiles a reference variable that is advanced in a loop.
#ifdef CGV_DOUBLE // of tests: float stands for double (docs/numerics.md)
#include "double.glsl"
#else
#define FLOAT_BYTES 4
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Floats {
    float v[];
};
// Two floats in one 8-byte load: half the gathers.
layout(buffer_reference, std430, buffer_reference_align = 8) buffer Pairs {
    uint64_t v[];
};

vec2 load_pair(uint64_t address)
{
    return uintBitsToFloat(unpack32(Pairs(address).v[0]));
}

void store_pair(uint64_t address, vec2 pair)
{
    Pairs(address).v[0] = pack64(floatBitsToUint(pair));
}
#endif
#define PAIR_BYTES (2 * FLOAT_BYTES)

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words {
    uint v[];
};

// Byte address of element `index` of an array of floats.
uint64_t at(uint64_t base, int index)
{
    return base + uint64_t(index) * FLOAT_BYTES;
}

// Element `index` of an optional array, else `otherwise`. Lavapipe of Mesa 26 loads what is the same
// for all lanes even where no lane is active: then from `valid`, any address that can be read.
float optional_at(uint64_t base, int index, uint64_t valid, float otherwise)
{
    float v = Floats(base != 0 ? at(base, index) : valid).v[0];
    return base != 0 ? v : otherwise;
}

// Which element this invocation has in a dispatch by cgv_dispatch_linear.
#define LINEAR_INDEX \
    int(gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * gl_NumWorkGroups.x * gl_WorkGroupSize.x)

// floor(x) as an integer, for |x| < 2^22: a float of 3 * 2^22 more has it in its last bits. Conversions
// saturate, which Mesa 25 does lane by lane: forty instructions. What is not a number gives some
// integer: clamp an index behind this.
int whole(float x)
{
    return floatBitsToInt(floor(x) + 12582912) - 0x4b400000;
}

ivec2 whole(vec2 v)
{
    return ivec2(whole(v.x), whole(v.y));
}

// i / d for i >= 0, d > 0. Integer division is slow everywhere, and done lane by lane on a CPU. By
// floats it takes two steps of at most 20 bits each, and is off by one at most.
int divide(int i, int d)
{
    float r = 1 / float(d);
    int high = whole(float(i) * r * (1.0 / 2048)) * 2048, rest = i - high * d;
    int q = high + whole(float(rest) * r);
    rest = i - q * d;
    return rest < 0 ? q - 1 : rest >= d ? q + 1 : q;
}

// Column, row and plane of element i of planes [planes][h][w].
ivec3 place_of(int i, int w, int h)
{
    int row = divide(i, w), plane = divide(row, h);
    return ivec3(i - row * w, row - plane * h, plane);
}

// As cgv_activation.
const int ACT_NONE = 0;
const int ACT_RELU = 1;
const int ACT_LEAKY_RELU = 2;
const int ACT_TANH = 3;
const int ACT_SIGMOID = 4;

// Drivers take tanh from exponentials, whose difference loses the digits of a small result. Below 1:
// Lambert's continued fraction x / (1 + x^2 / (3 + x^2 / (5 + ...))), cut off after 13.
float exact_tanh(float x)
{
    float a = abs(x), s = x * x;
    float near = a * (135135 + s * (17325 + s * (378 + s))) /
                 (135135 + s * (62370 + s * (3150 + s * 28)));
    float far = 1 - 2 / (exp(2 * min(a, 10)) + 1); // beyond 10 the result is 1 in float32
    float y = a < 1 ? near : far;
    return isnan(x) ? x : x < 0 ? -y : y;
}

// y, but NaN where x is: a broken network must show. Neither max() and clamp() promise that, nor do
// comparisons, which NVIDIA's compiler turns into them.
float keep_nan(float x, float y)
{
    return isnan(x) ? x : y;
}

float activate(float x, int kind, float slope)
{
    if (kind == ACT_RELU)
        return keep_nan(x, max(x, 0));
    if (kind == ACT_LEAKY_RELU)
        return x < 0 ? slope * x : x;
    if (kind == ACT_TANH)
        return exact_tanh(x);
    if (kind == ACT_SIGMOID)
        return 1 / (1 + exp(-x));
    return x;
}

// As cgv_pad_mode.
const int PAD_ZERO = 0;
const int PAD_REFLECT = 1;
const int PAD_REPLICATE = 2;

// The index inside [0, size) where a picture shows position i >= 0 that is continued beyond its end
// by reflection, there and back as often as need be.
int mirror_index(int i, int size)
{
    int period = max(2 * (size - 1), 1);
    i -= divide(i, period) * period;
    return min(i, period - i);
}

// The index inside [0, size) that a padded index stands for; zero padding also lands inside, and
// its value must be masked.
int pad_index(int i, int size, int mode)
{
    if (mode == PAD_REFLECT) {
        i = abs(i);
        i = i < size ? i : 2 * (size - 1) - i;
    }
    return clamp(i, 0, size - 1); // lanes beyond the picture read something harmless
}

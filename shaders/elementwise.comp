#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elementwise.h"

// y = function(a binary b); as cgv_binary and cgv_function.
layout(constant_id = 3) const int BINARY = 0;
layout(constant_id = 4) const int FUNCTION = 0;
layout(constant_id = 5) const int ALIKE = 0; // a and b have the shape of y

const int BINARY_NONE = 0;
const int BINARY_ADD = 1;
const int BINARY_SUB = 2;
const int BINARY_MUL = 3;
const int BINARY_DIV = 4;
const int BINARY_MAX = 5;
const int BINARY_MIN = 6;
const int BINARY_POW = 7;
const int BINARY_PRELU = 8;

const int FUNCTION_NONE = 0;
const int FUNCTION_ELU = 1;
const int FUNCTION_CLIP = 2;
const int FUNCTION_HARD_SIGMOID = 3;
const int FUNCTION_HARD_SWISH = 4;
const int FUNCTION_SOFTPLUS = 5;
const int FUNCTION_EXP = 6;
const int FUNCTION_ABS = 7;
const int FUNCTION_SQRT = 8;
const int FUNCTION_SIGMOID = 9;
const int FUNCTION_TANH = 10;

// x^e, also of negative x where e is whole, which pow() does not promise.
float power(float x, float e)
{
    if (e == 2)
        return x * x;
    float magnitude = pow(abs(x), e);
    if (x == 0)
        return e == 0 ? 1 : e > 0 ? 0 : 1 / abs(x);
    if (x > 0)
        return magnitude;
    float whole = floor(e);
    if (e != whole)
        return uintBitsToFloat(0x7fc00000u);
    return whole - 2 * floor(whole / 2) == 0 ? magnitude : -magnitude;
}

float combine(float a, float b)
{
    if (BINARY == BINARY_ADD)
        return a + b;
    if (BINARY == BINARY_SUB)
        return a - b;
    if (BINARY == BINARY_MUL)
        return a * b;
    if (BINARY == BINARY_DIV)
        return a / b;
    if (BINARY == BINARY_MAX)
        return a > b || isnan(a) ? a : b;
    if (BINARY == BINARY_MIN)
        return a < b || isnan(a) ? a : b;
    if (BINARY == BINARY_POW)
        return power(a, b);
    if (BINARY == BINARY_PRELU)
        return a < 0 ? a * b : a;
    return a;
}

float clip(float x, float low, float high)
{
    return keep_nan(x, clamp(x, low, high));
}

// e^x - 1, whose first digits cancel near zero.
float exact_expm1(float x)
{
    return abs(x) < 0.05 ? x * (1 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x / 120)))) : exp(x) - 1;
}

float apply(float x)
{
    if (FUNCTION == FUNCTION_ELU)
        return x < 0 ? push.p * exact_expm1(x) : x;
    if (FUNCTION == FUNCTION_CLIP)
        return clip(x, push.p, push.q);
    if (FUNCTION == FUNCTION_HARD_SIGMOID)
        return clip(push.p * x + push.q, 0, 1);
    if (FUNCTION == FUNCTION_HARD_SWISH)
        return x * clip(x / 6 + 0.5, 0, 1);
    if (FUNCTION == FUNCTION_SOFTPLUS) // no exponential overflows
        return (x < 0 ? 0 : x) + log(1 + exp(-abs(x)));
    if (FUNCTION == FUNCTION_EXP)
        return exp(x);
    if (FUNCTION == FUNCTION_ABS)
        return abs(x);
    if (FUNCTION == FUNCTION_SQRT)
        return sqrt(x);
    if (FUNCTION == FUNCTION_SIGMOID)
        return activate(x, ACT_SIGMOID, 0);
    if (FUNCTION == FUNCTION_TANH)
        return activate(x, ACT_TANH, 0);
    return x;
}

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    int at_a = i, at_b = i;
    if (ALIKE == 0) {
        int x = i % push.w, row = i / push.w;
        int y = row % push.h, plane = row / push.h;
        int c = plane % push.c, n = plane / push.c;
        at_a = n * push.a_step[0] + c * push.a_step[1] + y * push.a_step[2] + x * push.a_step[3];
        at_b = n * push.b_step[0] + c * push.b_step[1] + y * push.b_step[2] + x * push.b_step[3];
    }
    float a = Floats(at(push.a, at_a)).v[0], b = 0;
    if (BINARY != BINARY_NONE)
        b = Floats(at(push.b, at_b)).v[0];
    Floats(at(push.y, i)).v[0] = apply(combine(a, b));
}

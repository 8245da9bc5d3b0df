// The part of common.glsl that depends on the size of a float, in double precision; and what GLSL
// leaves out of it. Only what a training step uses.

// These take bits of a float apart, to round it or to see whether it is finite.
uint floatBitsToUint(double x)
{
    return floatBitsToUint(float(x));
}

int floatBitsToInt(double x)
{
    return floatBitsToInt(float(x));
}

#define float double
#define vec2 dvec2
#define FLOAT_BYTES 8

layout(buffer_reference, std430, buffer_reference_align = 8) buffer Floats {
    float v[];
};

vec2 load_pair(uint64_t address)
{
    return vec2(Floats(address).v[0], Floats(address).v[1]);
}

void store_pair(uint64_t address, vec2 pair)
{
    Floats(address).v[0] = pair.x;
    Floats(address).v[1] = pair.y;
}

const double LN_2 = 0.693147180559945309417lf;

// By Taylor's series about 0, of x without its multiple of ln 2: an error of 3e-16. Beyond 2^1000 and
// 2^-1000 it stays there.
double exp(double x)
{
    double k = clamp(round(x / LN_2), -1000, 1000);
    double r = clamp(x - k * LN_2, -1, 1), sum = 1;
    for (int i = 14; i > 0; i--)
        sum = 1 + sum * r / i;
    double power = packDouble2x32(uvec2(0, uint(int(k) + 1023) << 20));
    return isnan(x) ? x : sum * power;
}

// Of a positive normal number m 2^k, m near 1: 2 artanh((m - 1) / (m + 1)) + k ln 2.
double log(double x)
{
    uvec2 bits = unpackDouble2x32(x);
    int k = int(bits.y >> 20) - 1023;
    double m = packDouble2x32(uvec2(bits.x, bits.y & 0xfffffu | 0x3ff00000u));
    if (m > 1.5) {
        m /= 2;
        k++;
    }
    double s = (m - 1) / (m + 1), sum = 0;
    for (int i = 23; i > 0; i -= 2)
        sum = sum * s * s + 1 / double(i);
    return isnan(x) ? x : 2 * s * sum + k * LN_2;
}

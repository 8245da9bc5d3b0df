// Pixels in half precision: [N, H, W, stored channels], the stored ones a multiple of 32; those
// beyond the real ones no weight counts. Halves travel packed in words, so no shader needs their type.
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Eights {
    uvec4 v[];
};

// Address of half `index`.
uint64_t half_at(uint64_t base, int index)
{
    return base + uint64_t(index) * 2;
}

void load_eight(uint64_t address, out float v[8])
{
    uvec4 packed = Eights(address).v[0];
    [[unroll]] for (int i = 0; i < 4; i++) {
        vec2 pair = unpackHalf2x16(packed[i]);
        v[2 * i] = pair.x;
        v[2 * i + 1] = pair.y;
    }
}

void store_eight(uint64_t address, float v[8])
{
    uvec4 packed;
    [[unroll]] for (int i = 0; i < 4; i++)
        packed[i] = packHalf2x16(vec2(v[2 * i], v[2 * i + 1]));
    Eights(address).v[0] = packed;
}

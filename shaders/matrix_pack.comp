#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "matrix_pack.h"

// PyTorch's weights to [rows * columns][stored_in][stored_out] in half precision, zeros where it is
// padded. Two output channels an invocation. With COLUMNS_IN the columns of the kernel are input
// channels (pixels_gather.comp), with COLUMNS_OUT output channels (pixels_scatter.comp).
layout(constant_id = 3) const int TRANSPOSED = 0; // weights [cin, cout, kernel, kernel]
layout(constant_id = 4) const int LAYOUT = 0;

const int COLUMNS_IN = 1;
const int COLUMNS_OUT = 2;

float weight(int tap, int i, int o)
{
    int row = tap / push.columns, column = tap - row * push.columns;
    int ky = push.top + row * push.step, kx = push.left + column * push.step;
    if (LAYOUT == COLUMNS_IN) {
        kx = i / push.cin;
        i -= kx * push.cin;
    }
    if (LAYOUT == COLUMNS_OUT) {
        kx = o / push.cout;
        o -= kx * push.cout;
    }
    if (i >= push.cin || o >= push.cout || kx >= push.kernel)
        return 0;
    int from = TRANSPOSED != 0 ? i * push.cout + o : o * push.cin + i;
    return Floats(at(push.weights, (from * push.kernel + ky) * push.kernel + kx)).v[0];
}

void main()
{
    int index = LINEAR_INDEX;
    if (index >= push.count)
        return;
    int words = push.stored_out / 2;
    int line = index / words, o = (index - line * words) * 2;
    int tap = line / push.stored_in, i = line - tap * push.stored_in;
    Words(at(push.packed, index)).v[0] = packHalf2x16(vec2(weight(tap, i, o), weight(tap, i, o + 1)));
}

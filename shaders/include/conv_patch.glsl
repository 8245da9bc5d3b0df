// Lines of the patch of x that a lane's tile needs. Needs the constants KERNEL, STRIDE, PAD, PAD_MODE,
// TILE_X, TILE_Y, PAIRS, and push.w, push.out_w, push.groups.

#include "cpu.glsl"

const int PATCH_X = (TILE_X - 1) * STRIDE + KERNEL;
const int PATCH_Y = (TILE_Y - 1) * STRIDE + KERNEL;
const int ODD = PAD & 1; // the patch starts this many columns after an even one
const int PATCH_PAIRS = (ODD + PATCH_X + 1) / 2;

// Which columns of x, the same for all lines; and a line of the patch. Global, for functions take no
// arrays whose size is a specialization constant.
int patch_column[PATCH_X];
bool patch_inside[PATCH_X];
int patch_pair[PATCH_PAIRS];
bool patch_first, patch_last; // whether the tile is, of its row
float patch_line[PATCH_X];
// Mesa on a CPU keeps the halves of loaded pairs in vectors of 64 bytes, whose moves close one of three
// ports of an Intel CPU to others. A product with what it does not know to be 1 gives them vectors of
// their own: a 3x3 layer then takes 0.87 of the time.
float one = ON_CPU ? float(min(push.groups, 1)) : 1;

// Of the tile whose first output is at column x0.
void find_columns(int x0)
{
    int left = x0 * STRIDE - PAD;
    [[unroll]] for (int i = 0; i < PATCH_X; i++) {
        patch_column[i] = pad_index(left + i, push.w, PAD_MODE);
        patch_inside[i] = left + i >= 0 && left + i < push.w;
    }
    [[unroll]] for (int i = 0; i < PATCH_PAIRS; i++)
        patch_pair[i] = clamp(left - ODD + 2 * i, 0, max(push.w - 2, 0));
    patch_first = x0 == 0;
    patch_last = x0 + TILE_X == push.out_w;
}

// line: address of the row of x, or of the one that stands for it beyond the border.
void load_line(uint64_t line, bool row_inside)
{
    if (PAIRS != 0) {
        [[unroll]] for (int p = 0; p < PATCH_PAIRS; p++) {
            vec2 v = load_pair(at(line, patch_pair[p]));
            if (2 * p >= ODD)
                patch_line[2 * p - ODD] = v.x * one;
            if (2 * p + 1 - ODD < PATCH_X)
                patch_line[2 * p + 1 - ODD] = v.y * one;
        }
        // Only the outermost lanes see the border; what they mirror is in their patch.
        if (STRIDE == 1 && PAD_MODE != PAD_ZERO) {
            [[unroll]] for (int k = 0; k < PAD; k++) {
                int inner = PAD_MODE == PAD_REFLECT ? k + 1 : 0;
                int l = PAD, r = l + TILE_X - 1;
                patch_line[l - 1 - k] = patch_first ? patch_line[l + inner] : patch_line[l - 1 - k];
                patch_line[r + 1 + k] = patch_last ? patch_line[r - inner] : patch_line[r + 1 + k];
            }
        }
    } else {
        [[unroll]] for (int i = 0; i < PATCH_X; i++)
            patch_line[i] = Floats(at(line, patch_column[i])).v[0];
    }
    if (PAD_MODE == PAD_ZERO && PAD > 0) {
        [[unroll]] for (int i = 0; i < PATCH_X; i++)
            if (!(row_inside && patch_inside[i]))
                patch_line[i] = 0;
    }
}

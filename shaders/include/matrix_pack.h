#include "push.h"

CGV_PUSH(matrix_pack)
    uint64_t packed, weights;
    int count;       // words of `packed`
    int cin, cout;   // of the weights
    int kernel;
    int stored_in, stored_out;
    int rows, columns; // of the taps that are packed
    int top, left;     // the first tap's row and column in the kernel
    int step;          // from a tap to the next in the kernel
CGV_PUSH_END(matrix_pack)

#include "push.h"

CGV_PUSH(matrix_conv)
    uint64_t x, weights, bias, y; // bias 0: none
    int h, w;                     // of x
    int cin;                      // stored channels of x
    int out_h, out_w;             // outputs of this dispatch
    int cout;                     // stored channels of y
    int channels;                 // of them, those that have a bias
    int rows, columns;            // of taps
    int top, left;                // what the first tap reads for output 0: x[-top][-left]
    int step;                     // from one output to the next in y, along both axes
    int first;                    // pixel of y that holds output 0
    int y_w, y_plane;             // pixels of a line and of a picture of y
    float slope;
CGV_PUSH_END(matrix_conv)

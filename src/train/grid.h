// Sample grids: what the generators make of a few pictures, side by side.
#ifndef CGV_TRAIN_GRID_H
#define CGV_TRAIN_GRID_H

#include <stdint.h>

#include "cgvideo/status.h"

// The columns; G is G_A, F is G_B.
typedef enum cgv_grid_column {
    CGV_GRID_A,
    CGV_GRID_G_A,   // G(A)
    CGV_GRID_F_G_A, // F(G(A))
    CGV_GRID_B,
    CGV_GRID_F_B,
    CGV_GRID_G_F_B,
    CGV_GRID_COLUMNS,
    CGV_GRID_PAIR_COLUMNS = 3,
} cgv_grid_column;

// 8-bit R, G, B, rows of 3 * width bytes.
typedef struct cgv_grid {
    uint8_t *rgb;
    int width, height;
} cgv_grid;

// One row a picture: A, G(A), F(G(A)) and, after a wider gap, B, F(B), G(F(B)); or, of pairs, three
// columns: A, G(A), B. columns[c]: [count, 3, height, width] in [-1, 1] in host memory; what is not
// a number is magenta. *out is freed by cgv_grid_free.
CGV_NODISCARD cgv_status cgv_grid_create(cgv_grid *out, const float *const *columns,
                                         int column_count, int count, int height, int width);
void cgv_grid_free(cgv_grid *grid);

#endif

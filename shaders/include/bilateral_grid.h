// A bilateral grid of affine colour transforms, [N, 12 GRID_DEPTH, GH, GW]: channel
// 12 z + 4 c + k of a cell is row c, column k of the matrix of brightness z.
#define GRID_DEPTH 8
#define GRID_TERMS 12

// Contact sheets: pictures of one size in rows and columns.
#ifndef CGV_EVAL_SHEET_H
#define CGV_EVAL_SHEET_H

#include "train/bitmap.h"

// cells[rows * columns], row by row, each width x height; one without pixels stays grey. *out is
// allocated here.
CGV_NODISCARD cgv_status cgv_sheet_create(cgv_bitmap *out, const cgv_bitmap *cells, int rows,
                                          int columns, int width, int height);

#endif

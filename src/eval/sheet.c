#include "eval/sheet.h"

#include <string.h>

enum { LINE = 2, GREY = 0x60 };

cgv_status cgv_sheet_create(cgv_bitmap *out, const cgv_bitmap *cells, int rows, int columns,
                            int width, int height) {
    cgv_status status =
        cgv_bitmap_create(out, columns * (width + LINE) - LINE, rows * (height + LINE) - LINE);
    if (status)
        return status;
    memset(out->rgb, GREY, cgv_bitmap_bytes(out->width, out->height));
    for (int i = 0; i < rows * columns; i++) {
        const int left = i % columns * (width + LINE), top = i / columns * (height + LINE);
        for (int y = 0; cells[i].rgb && y < height; y++)
            memcpy(out->rgb + cgv_bitmap_bytes(out->width, top + y) + cgv_bitmap_bytes(left, 1),
                   cells[i].rgb + cgv_bitmap_bytes(width, y), cgv_bitmap_bytes(width, 1));
    }
    return CGV_OK;
}

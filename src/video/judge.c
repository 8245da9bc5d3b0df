#include "video/judge.h"

#include <stdlib.h>

// In 16ths of a code of 0..255.
enum {
    BLACK = 20 * 16, // video black with noise, or a little light leaking in
    FLAT = 8 * 16,
    SAME = 4 * 16, // a parked camera's noise and flicker stay below, a walker in one cell does not
};

static int cell_edge(int cell, int size) {
    return (int)((int64_t)cell * size / CGV_THUMB);
}

void cgv_thumb_make(cgv_thumb *out, const cgv_bitmap *picture) {
    for (int j = 0; j < CGV_THUMB; j++)
        for (int i = 0; i < CGV_THUMB; i++) {
            // At least a pixel, of pictures smaller than the thumb too.
            int x0 = cell_edge(i, picture->width), x1 = cell_edge(i + 1, picture->width);
            int y0 = cell_edge(j, picture->height), y1 = cell_edge(j + 1, picture->height);
            x1 = x1 > x0 ? x1 : x0 + 1;
            y1 = y1 > y0 ? y1 : y0 + 1;
            uint64_t sum = 0; // 256ths of a code
            for (int y = y0; y < y1; y++) {
                const uint8_t *p =
                    picture->rgb + 3 * ((size_t)y * (size_t)picture->width + (size_t)x0);
                for (int x = x0; x < x1; x++, p += 3)
                    sum += 77u * p[0] + 150u * p[1] + 29u * p[2];
            }
            uint64_t pixels = (uint64_t)(x1 - x0) * (uint64_t)(y1 - y0);
            out->cells[j * CGV_THUMB + i] = (uint16_t)(sum / pixels / 16);
        }
}

cgv_verdict cgv_judge(const cgv_thumb *thumb, const cgv_thumb *before) {
    int low = UINT16_MAX, high = 0, change = 0;
    for (int i = 0; i < CGV_THUMB * CGV_THUMB; i++) {
        int cell = thumb->cells[i], difference = before ? abs(cell - before->cells[i]) : 0;
        low = cell < low ? cell : low;
        high = cell > high ? cell : high;
        change = difference > change ? difference : change;
    }
    if (high < BLACK)
        return CGV_VERDICT_BLACK;
    if (high - low < FLAT)
        return CGV_VERDICT_FLAT;
    return before && change < SAME ? CGV_VERDICT_DUPLICATE : CGV_VERDICT_KEEP;
}

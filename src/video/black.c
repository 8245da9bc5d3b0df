#include "video/black.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <libavutil/pixdesc.h>

enum { STEP = 16 }; // rows

// Does any sample lie above `share` of the way from black to white? Of every `step`-th row.
static bool reaches(const AVFrame *frame, double share, int step) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    uint16_t *row = malloc((size_t)frame->width * sizeof *row);
    bool rgb = desc->flags & AV_PIX_FMT_FLAG_RGB, found = !row; // unknown: say nothing of it
    bool full = !rgb && desc->nb_components >= 3 ? frame->color_range == AVCOL_RANGE_JPEG
                                                 : frame->color_range != AVCOL_RANGE_MPEG;
    double codes = ldexp(1, desc->comp[0].depth); // 5 bits count as well
    double black = full ? 0 : codes * 16 / 256, white = full ? codes - 1 : codes * 235 / 256;
    double limit = black + share * (white - black);
    for (int y = 0; y < frame->height && !found; y += step)
        for (int c = 0; c < (rgb ? 3 : 1) && !found; c++) {
            av_read_image_line2(row, (const uint8_t **)frame->data, frame->linesize, desc, 0, y, c,
                                frame->width, 0, sizeof *row);
            for (int x = 0; x < frame->width && !found; x++)
                found = row[x] > limit;
        }
    free(row);
    return found;
}

bool cgv_black(const AVFrame *frame) {
    const double share = 1.5 / 219; // code 17 of 16..235, code 1 of 0..255
    return !reaches(frame, share, STEP) && !reaches(frame, share, 1);
}

bool cgv_bright(const AVFrame *frame) {
    return reaches(frame, 0.25, STEP);
}

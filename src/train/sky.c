#include "train/sky.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "train/mask.h"

// In codes of 0..255, found by looking at the masks of some hundred photographs and webcams.
enum {
    GREY_LUMA = 165, // at least: overcast, clouds, overexposed
    YELLOW = 25,     // at most, red over blue: sunlit walls are yellower
    BLUE_LUMA = 75,
    BLUE = 15,   // at least, blue over red
    EDGE = 26,   // of luma between neighbours: where the flood stops
    DARKER = 45, // than the middle of the flood, at most: what it grows into beyond an edge
};

typedef struct flood {
    int width, height;
    const uint8_t *rgb;
    uint8_t *luma;
    bool *like; // of the colour of a sky
    bool *sky;
    int *found; // indices of pixels, in the order in which the flood reached them
    int count;
} flood;

static bool is_like_sky(const uint8_t *p, int luma) {
    int blue = p[2] - p[0];
    bool grey = luma > GREY_LUMA && blue > -YELLOW;
    return grey || (luma > BLUE_LUMA && blue > BLUE && p[1] < p[2] + 5); // not turquoise
}

static bool is_smooth(const flood *f, int i) {
    for (int direction = 0; direction < 4; direction++) {
        int other = cgv_neighbour(i, direction, f->width, f->height);
        if (other >= 0 && abs(f->luma[i] - f->luma[other]) >= EDGE)
            return false;
    }
    return true;
}

static void reach(flood *f, int i) {
    if (f->sky[i])
        return;
    f->sky[i] = true;
    f->found[f->count++] = i;
}

// From the upper rows: the first are often a dark line, or the edge of one.
static void spread(flood *f) {
    int rows = f->height / 35 + 3;
    rows = rows < f->height ? rows : f->height;
    for (int i = 0; i < rows * f->width; i++)
        if (f->like[i] && is_smooth(f, i))
            reach(f, i);
    for (int next = 0; next < f->count; next++)
        for (int direction = 0; direction < 4; direction++) {
            int i = cgv_neighbour(f->found[next], direction, f->width, f->height);
            if (i >= 0 && !f->sky[i] && f->like[i] && is_smooth(f, i))
                reach(f, i);
        }
}

static int median_luma(const flood *f) {
    int counts[256] = {0}, luma = 0;
    for (int k = 0; k < f->count; k++)
        counts[f->luma[f->found[k]]]++;
    for (int below = counts[0]; below <= f->count / 2 && luma < 255; below += counts[luma])
        luma++;
    return luma;
}

// The flood keeps its distance from edges: grow up to them, and over wires and twigs that are thin
// and pale enough to have kept the colours of the sky.
static void grow(flood *f) {
    int least = median_luma(f) - DARKER, side = f->width < f->height ? f->width : f->height;
    for (int times = 0, first = 0; times <= side / 35; times++) {
        int end = f->count;
        for (int next = first; next < end; next++)
            for (int direction = 0; direction < 4; direction++) {
                int i = cgv_neighbour(f->found[next], direction, f->width, f->height);
                if (i >= 0 && f->like[i] && f->luma[i] > least)
                    reach(f, i);
            }
        first = end;
    }
}

static void paint(cgv_bitmap *out, const flood *f) {
    int pixels = f->width * f->height;
    int horizon = 0; // the end of the lowest row that the flood reached
    bool any = f->count >= pixels / 50;
    for (int k = 0; k < f->count && any; k++)
        horizon = f->found[k] >= horizon ? (f->found[k] / f->width + 1) * f->width : horizon;
    for (int i = 0; i < pixels; i++) {
        int value = !any ? 0 : f->sky[i] ? 255 : f->like[i] && i < horizon ? 128 : 0;
        memset(out->rgb + (ptrdiff_t)3 * i, value, 3);
    }
}

static void prepare(flood *f) {
    for (int i = 0; i < f->width * f->height; i++) {
        f->luma[i] = cgv_luma(f->rgb + (ptrdiff_t)3 * i);
        f->like[i] = is_like_sky(f->rgb + (ptrdiff_t)3 * i, f->luma[i]);
    }
}

cgv_status cgv_sky_find(cgv_bitmap *out, const cgv_bitmap *picture) {
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    cgv_status status = cgv_bitmap_create(out, picture->width, picture->height);
    if (status)
        return status;
    flood f = {
        .width = picture->width,
        .height = picture->height,
        .rgb = picture->rgb,
        .luma = calloc(pixels, 1),
        .like = calloc(pixels, sizeof *f.like),
        .sky = calloc(pixels, sizeof *f.sky),
        .found = calloc(pixels, sizeof *f.found),
    };
    if (f.luma && f.like && f.sky && f.found) {
        prepare(&f);
        spread(&f);
        grow(&f);
        paint(out, &f);
    } else {
        cgv_bitmap_free(out);
        status = cgv_fail(CGV_ERROR_MEMORY, "no memory to look for the sky in a picture of %dx%d",
                          picture->width, picture->height);
    }
    free(f.luma);
    free(f.like);
    free(f.sky);
    free(f.found);
    return status;
}

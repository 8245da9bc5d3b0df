#include "train/panes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "train/mask.h"

// Found by looking at what they find in some hundred photographs and webcams.
enum {
    PIXELS = 4 * CGV_PANES_SIDE * CGV_PANES_SIDE, // of a picture, at most
    PANES = 12,                                   // of the largest, in a short side
    WALL = 70,     // luma (0..255) of what is around a pane, at least
    DARKER = 40,   // a pane than its wall, at least, and by an eighth of it;
    DARKEST = 120, // up to here more is asked,
    STEP = 20,     // in such steps
    FILLED = 55,   // per cent of its box
    LEAST = 6,     // pixels
    ROW = 5,       // panes of a row that are near each other
    COLUMN = 4,    // of a column
    IN_LINE = 35,  // per cent of what is dark and near that is in a pane's row or column: gravel
                   // and leaves are in none
};

// Something dark of the size and proportions of a pane, from corner to corner.
typedef struct shape {
    int x0, y0, x1, y1;
} shape;

enum { UNSEEN = -1, OTHER = -2 };

typedef struct search {
    int width, height;
    int largest;   // side of a pane
    uint8_t *luma; // and then, of each pixel:
    uint8_t *wall; // luma without what is dark and small
    bool *dark;
    int *owner; // the shape that it is part of; UNSEEN; OTHER: part of something else
    int *queue;
    shape *shapes; // from the upper border down
    int count;
} search;

static int across(const shape *s) {
    return s->x1 - s->x0 + 1;
}

static int down(const shape *s) {
    return s->y1 - s->y0 + 1;
}

// ---- what is dark ----

static void take(uint8_t *out, const uint8_t *in, size_t count, bool most) {
    if (most)
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] > out[i] ? in[i] : out[i];
    else
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] < out[i] ? in[i] : out[i];
}

// Of each value and those up to `radius` times `step` away, the largest (or least).
static void extremes(uint8_t *out, const uint8_t *in, size_t count, size_t step, int radius,
                     bool most) {
    memcpy(out, in, count);
    for (size_t away = step; away < count && away <= step * (size_t)radius; away += step) {
        take(out, in + away, count - away, most);
        take(out + away, in, count - away, most);
    }
}

static void filter(const search *s, uint8_t *scratch, bool most) {
    size_t width = (size_t)s->width, pixels = width * (size_t)s->height;
    for (size_t row = 0; row < pixels; row += width)
        extremes(scratch + row, s->wall + row, width, 1, s->largest / 2, most);
    extremes(s->wall, scratch, pixels, width, s->largest / 2, most);
}

// A closing: the largest of the neighbourhood, and the least of those, fill what is darker than its
// surroundings and smaller than the neighbourhood.
static void find_walls(search *s, const uint8_t *rgb) {
    for (int i = 0; i < s->width * s->height; i++)
        s->wall[i] = s->luma[i] = cgv_luma(rgb + (ptrdiff_t)3 * i);
    filter(s, (uint8_t *)s->dark, true);
    filter(s, (uint8_t *)s->dark, false);
}

static void find_dark(search *s, int darker) {
    for (int i = 0; i < s->width * s->height; i++) {
        s->dark[i] = s->wall[i] > WALL && s->wall[i] - s->luma[i] > darker + s->wall[i] / 8;
        s->owner[i] = UNSEEN;
    }
    s->count = 0;
}

// ---- its shapes ----

static bool is_fit(const search *s, const shape *found, int area) {
    int w = across(found), h = down(found);
    return w >= 2 && h >= 2 && w <= s->largest && h <= s->largest * 3 / 2 && w <= 3 * h &&
           h <= 4 * w && area >= LEAST && 100 * area >= FILLED * w * h;
}

// The dark pixels around this one.
static void trace(search *s, int first) {
    shape found = {s->width, s->height, -1, -1};
    int area = 0;
    s->queue[area++] = first;
    s->owner[first] = s->count;
    for (int next = 0; next < area; next++) {
        int i = s->queue[next], x = i % s->width, y = i / s->width;
        found.x0 = x < found.x0 ? x : found.x0;
        found.x1 = x > found.x1 ? x : found.x1;
        found.y0 = y < found.y0 ? y : found.y0;
        found.y1 = y > found.y1 ? y : found.y1;
        for (int direction = 0; direction < 4; direction++) {
            int other = cgv_neighbour(i, direction, s->width, s->height);
            if (other >= 0 && s->dark[other] && s->owner[other] == UNSEEN) {
                s->owner[other] = s->count;
                s->queue[area++] = other;
            }
        }
    }
    if (is_fit(s, &found, area))
        s->shapes[s->count++] = found;
    else
        for (int k = 0; k < area; k++)
            s->owner[s->queue[k]] = OTHER;
}

// ---- which of them are panes ----

// Shapes near another one; of them, those in its row or column; and of those that are as large as
// it is.
typedef struct neighbours {
    int near, in_line, row, column;
} neighbours;

static bool are_alike(int a, int b) {
    return 10 * a <= 17 * b + 10 && 10 * b <= 17 * a + 10;
}

static void meet(neighbours *n, const shape *p, const shape *q) {
    int w = across(p), h = down(p); // distances below are those of centres, doubled
    int dx = abs(p->x0 + p->x1 - q->x0 - q->x1), dy = abs(p->y0 + p->y1 - q->y0 - q->y1);
    if (dx > 2 * ROW * w)
        return;
    bool beside = dy <= h, above = dx <= w;
    n->near++;
    n->in_line += beside || above;
    if (are_alike(w, across(q)) && are_alike(h, down(q))) {
        n->row += beside;
        n->column += above;
    }
}

static bool is_pane(const search *s, const shape *p) {
    neighbours n = {0};
    int reach = COLUMN * down(p);
    for (const shape *q = p; q > s->shapes && (--q)->y0 >= p->y0 - reach;)
        meet(&n, p, q);
    for (const shape *q = p + 1; q < s->shapes + s->count && q->y0 <= p->y0 + reach; q++)
        meet(&n, p, q);
    bool enough = n.row + n.column >= (n.row && n.column ? 2 : 3);
    return enough && 100 * n.in_line >= IN_LINE * n.near;
}

static void paint(cgv_bitmap *out, const search *s, bool *panes) {
    for (int k = 0; k < s->count; k++)
        panes[k] = is_pane(s, &s->shapes[k]);
    for (int i = 0; i < s->width * s->height; i++) {
        uint8_t *p = out->rgb + (ptrdiff_t)3 * i;
        if (s->owner[i] < 0 || p[1])
            continue; // nothing, or a pane already
        p[1] = panes[s->owner[i]] ? 255 : 0;
        p[2] = p[1] ? 0 : 255;
    }
}

// Where there are panes, whatever else is dark may be one that was not made out. `s` is done with.
static void doubt(cgv_bitmap *out, search *s) {
    find_dark(s, DARKER);
    for (int i = 0; i < s->width * s->height; i++)
        s->wall[i] = out->rgb[3 * i + 1];
    for (int times = 0; times < 2; times++)
        filter(s, s->luma, true);
    for (int i = 0; i < s->width * s->height; i++)
        if (s->dark[i] && s->wall[i] && !out->rgb[3 * i + 1])
            out->rgb[3 * i + 2] = 255;
}

// Panes that touch their frame's shadow, or each other, come apart where more is asked of the dark.
static void find(cgv_bitmap *out, search *s, const uint8_t *rgb) {
    memset(out->rgb, 0, cgv_bitmap_bytes(s->width, s->height));
    find_walls(s, rgb);
    for (int darker = DARKER; darker <= DARKEST; darker += STEP) {
        find_dark(s, darker);
        for (int i = 0; i < s->width * s->height; i++)
            if (s->dark[i] && s->owner[i] == UNSEEN)
                trace(s, i);
        paint(out, s, (bool *)s->queue); // which is done with
    }
    doubt(out, s);
}

static cgv_status find_in(cgv_bitmap *out, const cgv_bitmap *picture) {
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    int side = picture->width < picture->height ? picture->width : picture->height;
    cgv_status status = cgv_bitmap_create(out, picture->width, picture->height);
    if (status)
        return status;
    search s = {
        .width = picture->width,
        .height = picture->height,
        .largest = side / PANES,
        .luma = calloc(pixels, 1),
        .wall = calloc(pixels, 1),
        .dark = calloc(pixels, sizeof *s.dark),
        .owner = calloc(pixels, sizeof *s.owner),
        .queue = calloc(pixels, sizeof *s.queue),
        .shapes = calloc(pixels / LEAST + 1, sizeof *s.shapes),
    };
    if (s.luma && s.wall && s.dark && s.owner && s.queue && s.shapes) {
        find(out, &s, picture->rgb);
    } else {
        cgv_bitmap_free(out);
        status = cgv_fail(CGV_ERROR_MEMORY, "no memory to look for windows in a picture of %dx%d",
                          picture->width, picture->height);
    }
    free(s.luma);
    free(s.wall);
    free(s.dark);
    free(s.owner);
    free(s.queue);
    free(s.shapes);
    return status;
}

static int scaled(int size, double factor) {
    int result = (int)(size * factor);
    return result < 1 ? 1 : result;
}

cgv_status cgv_panes_find(cgv_bitmap *out, const cgv_bitmap *picture) {
    int w = picture->width, h = picture->height;
    double factor =
        fmin((double)CGV_PANES_SIDE / (w < h ? w : h), sqrt((double)PIXELS / ((double)w * h)));
    if (factor >= 1)
        return find_in(out, picture);
    cgv_bitmap smaller;
    cgv_status status = cgv_bitmap_resize(&smaller, scaled(w, factor), scaled(h, factor), picture,
                                          (cgv_box){0, 0, w, h});
    if (status)
        return status;
    status = find_in(out, &smaller);
    cgv_bitmap_free(&smaller);
    return status;
}

#include "pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_BYTE  0xa5
#define GUARD_BYTES 64
#define PADDING     37 // of a padded row: odd, so that rows begin anywhere

#define PLANAR(w, h, s, d)                                                                         \
    {                                                                                              \
        .component = {{0, (d) + (s) > 8 ? 2 : 1, 0, s, d},                                         \
                      {1, (d) + (s) > 8 ? 2 : 1, 0, s, d},                                         \
                      {2, (d) + (s) > 8 ? 2 : 1, 0, s, d}},                                        \
        .components = 3, .planes = 3, .log2_chroma_w = w, .log2_chroma_h = h                       \
    }
// Component k at byte `a`, `b`, `c`, `d` of a step; d NONE: three components.
#define NONE 255
#define PACKED(size, step, a, b, c, d)                                                             \
    {                                                                                              \
        .component = {{0, step, a, 0, size},                                                       \
                      {0, step, b, 0, size},                                                       \
                      {0, step, c, 0, size},                                                       \
                      {0, step, d, 0, size}},                                                      \
        .components = (d) == NONE ? 3 : 4, .planes = 1, .rgb = true                                \
    }
#define GBR(d)                                                                                     \
    {                                                                                              \
        .component = {{2, (d) > 8 ? 2 : 1, 0, 0, d},                                               \
                      {0, (d) > 8 ? 2 : 1, 0, 0, d},                                               \
                      {1, (d) > 8 ? 2 : 1, 0, 0, d}},                                              \
        .components = 3, .planes = 3, .rgb = true                                                  \
    }
#define SEMIPLANAR(w, h, bytes, u, v, s, d)                                                        \
    {                                                                                              \
        .component = {{0, bytes, 0, s, d}, {1, 2 * bytes, u, s, d}, {1, 2 * bytes, v, s, d}},      \
        .components = 3, .planes = 2, .log2_chroma_w = w, .log2_chroma_h = h                       \
    }
#define GREY(s, d)                                                                                 \
    { .component = {{0, (d) + (s) > 8 ? 2 : 1, 0, s, d}}, .components = 1, .planes = 1 }

const named_layout test_layouts[] = {
    {"yuv444p", PLANAR(0, 0, 0, 8)},
    {"yuv422p", PLANAR(1, 0, 0, 8)},
    {"yuv440p", PLANAR(0, 1, 0, 8)},
    {"yuv420p", PLANAR(1, 1, 0, 8)},
    {"yuva420p",
     {.component = {{0, 1, 0, 0, 8}, {1, 1, 0, 0, 8}, {2, 1, 0, 0, 8}, {3, 1, 0, 0, 8}},
      .components = 4,
      .planes = 4,
      .log2_chroma_w = 1,
      .log2_chroma_h = 1}},
    {"nv12", SEMIPLANAR(1, 1, 1, 0, 1, 0, 8)},
    {"nv21", SEMIPLANAR(1, 1, 1, 1, 0, 0, 8)},
    {"nv24", SEMIPLANAR(0, 0, 1, 0, 1, 0, 8)},
    {"yuv420p10le", PLANAR(1, 1, 0, 10)},
    {"yuv444p12le", PLANAR(0, 0, 0, 12)},
    {"p010le", SEMIPLANAR(1, 1, 2, 0, 2, 6, 10)},
    {"p216le", SEMIPLANAR(1, 0, 2, 0, 2, 0, 16)},
    {"gray", GREY(0, 8)},
    {"gray10le", GREY(0, 10)},
    {"ya8", {.component = {{0, 2, 0, 0, 8}, {0, 2, 1, 0, 8}}, .components = 2, .planes = 1}},
    {"rgb24", PACKED(8, 3, 0, 1, 2, NONE)},
    {"bgr24", PACKED(8, 3, 2, 1, 0, NONE)},
    {"bgr0", PACKED(8, 4, 2, 1, 0, NONE)},
    {"0rgb", PACKED(8, 4, 1, 2, 3, NONE)},
    {"rgba", PACKED(8, 4, 0, 1, 2, 3)},
    {"rgb48le", PACKED(16, 6, 0, 2, 4, NONE)},
    {"rgba64le", PACKED(16, 8, 0, 2, 4, 6)},
    {"gbrp", GBR(8)},
    {"gbrp10le", GBR(10)},
    {0},
};

const test_matrix test_matrices[TEST_MATRICES] = {
    {"BT.601", .299f, .114f},
    {"BT.709", .2126f, .0722f},
    {"BT.2020", .2627f, .0593f},
};

// Left, centre, top left, top, bottom left, bottom.
const test_siting test_sitings[TEST_SITINGS] = {{0, .5f}, {.5f, .5f}, {0, 0},
                                                {.5f, 0}, {0, 1},     {.5f, 1}};

cgv_picture_format picture_format_of(const char *layout, int width, int height, int matrix,
                                     bool full_range, const test_siting *siting) {
    return (cgv_picture_format){.width = width,
                                .height = height,
                                .layout = test_layout(layout),
                                .colour = {.kr = test_matrices[matrix].kr,
                                           .kb = test_matrices[matrix].kb,
                                           .full_range = full_range,
                                           .chroma_x = siting->x,
                                           .chroma_y = siting->y}};
}

bool layout_subsampled(const cgv_layout *layout) {
    return layout->log2_chroma_w || layout->log2_chroma_h;
}

cgv_layout test_layout(const char *name) {
    for (const named_layout *l = test_layouts; l->name; l++)
        if (!strcmp(l->name, name))
            return l->layout;
    fprintf(stderr, "no layout %s\n", name);
    abort();
}

test_picture picture_create(const cgv_picture_format *format, picture_rows rows) {
    test_picture picture = {.format = *format, .bytes = GUARD_BYTES};
    size_t start[4] = {0};
    for (int p = 0; p < format->layout.planes; p++) {
        size_t stride =
            cgv_picture_row_bytes(format, p) + (size_t)(rows == PICTURE_TIGHT ? 0 : PADDING);
        size_t count = (size_t)cgv_picture_rows(format, p);
        bool flipped = rows == PICTURE_UPSIDE_DOWN;
        picture.view.stride[p] = flipped ? -(ptrdiff_t)stride : (ptrdiff_t)stride;
        start[p] = picture.bytes + (flipped ? (count - 1) * stride : 0);
        picture.bytes += stride * count + GUARD_BYTES;
    }
    picture.memory = malloc(picture.bytes);
    if (!picture.memory)
        abort();
    memset(picture.memory, GUARD_BYTE, picture.bytes);
    for (int p = 0; p < format->layout.planes; p++)
        picture.view.data[p] = picture.memory + start[p];
    return picture;
}

void picture_destroy(test_picture *picture) {
    free(picture->memory);
    *picture = (test_picture){0};
}

static bool is_chroma(const cgv_picture_format *format, int component) {
    return !format->layout.rgb && format->layout.components >= 3 &&
           (component == 1 || component == 2);
}

int component_width(const cgv_picture_format *format, int component) {
    bool halved = is_chroma(format, component) && format->layout.log2_chroma_w;
    return halved ? (format->width + 1) / 2 : format->width;
}

int component_height(const cgv_picture_format *format, int component) {
    bool halved = is_chroma(format, component) && format->layout.log2_chroma_h;
    return halved ? (format->height + 1) / 2 : format->height;
}

static uint8_t *sample(const test_picture *picture, const cgv_component *c, int x, int y) {
    return picture->view.data[c->plane] + y * picture->view.stride[c->plane] + x * c->step +
           c->offset;
}

int picture_code(const test_picture *picture, int component, int x, int y) {
    const cgv_component *c = &picture->format.layout.component[component];
    const uint8_t *at = sample(picture, c, x, y);
    int word = c->depth + c->shift > 8 ? at[0] | at[1] << 8 : at[0];
    return word >> c->shift & ((1 << c->depth) - 1);
}

void picture_set(test_picture *picture, int component, int x, int y, int code) {
    const cgv_component *c = &picture->format.layout.component[component];
    uint8_t *at = sample(picture, c, x, y);
    int word = code << c->shift;
    at[0] = (uint8_t)word;
    if (c->depth + c->shift > 8)
        at[1] = (uint8_t)(word >> 8);
}

void picture_randomise(test_picture *picture, cgv_rng *rng) {
    const cgv_picture_format *format = &picture->format;
    for (int c = 0; c < format->layout.components; c++) {
        int drop = 32 - format->layout.component[c].depth;
        for (int y = 0; y < component_height(format, c); y++)
            for (int x = 0; x < component_width(format, c); x++)
                picture_set(picture, c, x, y, (int)(cgv_rng_u32(rng) >> drop));
    }
}

bool picture_guards_intact(const test_picture *picture) {
    uint8_t *copy = malloc(picture->bytes);
    if (!copy)
        abort();
    memcpy(copy, picture->memory, picture->bytes);
    for (int p = 0; p < picture->format.layout.planes; p++)
        for (int y = 0; y < cgv_picture_rows(&picture->format, p); y++)
            memset(copy + (picture->view.data[p] - picture->memory) + y * picture->view.stride[p],
                   GUARD_BYTE, cgv_picture_row_bytes(&picture->format, p));
    bool intact = true;
    for (size_t i = 0; i < picture->bytes; i++)
        intact &= copy[i] == GUARD_BYTE;
    free(copy);
    return intact;
}

int colour_components(const cgv_layout *layout) {
    return layout->components < 3 ? 1 : 3;
}

picture_difference picture_compare(const test_picture *a, const test_picture *b) {
    picture_difference difference = {0};
    const cgv_picture_format *format = &a->format;
    size_t count = 0;
    for (int c = 0; c < colour_components(&format->layout); c++)
        for (int y = 0; y < component_height(format, c); y++)
            for (int x = 0; x < component_width(format, c); x++, count++) {
                int d = abs(picture_code(a, c, x, y) - picture_code(b, c, x, y));
                difference.mean += d;
                difference.largest = d > difference.largest ? d : difference.largest;
            }
    difference.mean /= (double)count;
    return difference;
}

cgv_status picture_translate(test_picture *out, const test_picture *in, cgv_device *device,
                             const cgv_model *model, float strength) {
    cgv_translator *translator;
    cgv_status status =
        cgv_translator_create(&translator, device, model, &in->format, &out->format,
                              &(cgv_translator_params){.strength = strength, .slots = 1});
    if (!status)
        status = cgv_translator_send(translator, &in->view);
    if (!status)
        status = cgv_translator_receive(translator, &out->view);
    cgv_translator_destroy(&translator);
    return status;
}

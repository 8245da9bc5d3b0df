// Pictures to tensors and back.
#include "ops/pixel.h"

#include "ops/dispatch.h"
#include "shaders.h"

#include "pixel_chroma.h"
#include "pixel_columns.h"
#include "pixel_pack.h"
#include "pixel_rows.h"
#include "pixel_unpack.h"

#define NO_COMPONENT 15
#define ALPHA        3

// As in shaders/include/colour.glsl.
enum { KIND_GREY, KIND_YUV, KIND_RGB };

static int kind_of(const cgv_layout *layout) {
    return layout->rgb ? KIND_RGB : layout->components >= 3 ? KIND_YUV : KIND_GREY;
}

static bool is_wide(const cgv_layout *layout) {
    return layout->component[0].depth + layout->component[0].shift > 8;
}

cgv_planes cgv_planes_layout(const cgv_picture_format *format, uint64_t address) {
    cgv_planes planes = {0};
    for (int p = 0; p < format->layout.planes; p++) {
        planes.address[p] = address + planes.bytes;
        planes.stride[p] = (uint32_t)((cgv_picture_row_bytes(format, p) + 15) / 16 * 16);
        planes.bytes += (uint64_t)planes.stride[p] * (uint64_t)cgv_picture_rows(format, p);
    }
    return planes;
}

// In halves of a pixel, as the shaders take it.
static int site(float position) {
    return (int)(2 * position);
}

// Has every component a plane of its own? (Then there is no offset in it, either.)
static bool follow_each_other(const cgv_layout *layout) {
    int bytes = is_wide(layout) ? 2 : 1;
    for (int c = 0; c < 3 && c < layout->components; c++)
        if (layout->component[c].step != bytes)
            return false;
    return true;
}

static int chroma_width(const cgv_picture_format *format) {
    return cgv_divide_up(format->width, 1 << format->layout.log2_chroma_w);
}

void cgv_pixels_unpack(cgv_cmd *cmd, cgv_tensor rgb, const cgv_planes *planes,
                       const cgv_picture_format *format) {
    const cgv_layout *layout = &format->layout;
    struct pixel_unpack_push push = {
        .rgb = cgv_cmd_write(cmd, rgb.address, cgv_tensor_bytes(rgb)),
        .width = format->width,
        .height = format->height,
        .out_width = rgb.w,
        .out_height = rgb.h,
        .chroma_width = chroma_width(format),
        .chroma_height = cgv_divide_up(format->height, 1 << layout->log2_chroma_h),
        .kr = format->colour.kr,
        .kb = format->colour.kb,
        .full_range = format->colour.full_range,
        .peak = format->colour.peak,
    };
    cgv_cmd_read(cmd, planes->address[0], planes->bytes);
    for (int c = 0; c < 3 && c < layout->components; c++) {
        const cgv_component *component = &layout->component[c];
        push.plane[c] = planes->address[component->plane];
        push.stride[c] = (int)planes->stride[component->plane];
        push.where[c] = component->step | (uint32_t)component->offset << 8 |
                        (uint32_t)component->shift << 16 | (uint32_t)component->depth << 24;
    }
    bool runs = follow_each_other(layout) && format->width % 2 == 0 && rgb.w == format->width &&
                rgb.h == format->height;
    int row = runs ? cgv_divide_up(rgb.w, 8) : rgb.w;
    cgv_dispatch_linear(
        cmd, (uint64_t)row * (uint64_t)rgb.h,
        (cgv_dispatch){.shader = runs ? &cgv_shader_pixel_unpack_run : &cgv_shader_pixel_unpack,
                       .spec = {kind_of(layout), layout->log2_chroma_w, layout->log2_chroma_h,
                                is_wide(layout), format->colour.transfer, format->colour.gamut,
                                site(format->colour.chroma_x), site(format->colour.chroma_y)},
                       .spec_count = 8,
                       .push = &push,
                       .push_bytes = sizeof push});
}

// Which component each unit of a plane's step holds, 4 bits each.
static uint32_t component_map(const cgv_layout *layout, int plane, int unit, int *step) {
    uint32_t map = ~0u;
    for (int c = 0; c < layout->components; c++) {
        const cgv_component *component = &layout->component[c];
        if (component->plane != plane)
            continue;
        bool alpha = c == 3 || (layout->components == 2 && c == 1);
        int at = component->offset / unit;
        map &= ~((uint32_t)NO_COMPONENT << 4 * at);
        map |= (uint32_t)(alpha ? ALPHA : c) << 4 * at;
        *step = component->step / unit;
    }
    return map;
}

// Of the rows of filtered chroma, in floats: whole runs of pixels.
static int chroma_stride(const cgv_picture_format *format) {
    return cgv_divide_up(chroma_width(format), 8) * 8;
}

uint64_t cgv_pixels_pack_scratch(const cgv_picture_format *format) {
    if (kind_of(&format->layout) != KIND_YUV)
        return 0;
    return 2 * sizeof(float) * (uint64_t)chroma_stride(format) * (uint64_t)format->height;
}

static uint64_t read_if(cgv_cmd *cmd, cgv_tensor tensor) {
    return tensor.address ? cgv_cmd_read(cmd, tensor.address, cgv_tensor_bytes(tensor)) : 0;
}

// Both chroma planes, filtered along rows, into `scratch`.
static void filter_chroma(cgv_cmd *cmd, const cgv_picture_format *format, cgv_tensor rgb,
                          cgv_tensor original, const cgv_blend *blend, uint64_t scratch) {
    uint64_t count = (uint64_t)chroma_width(format) * (uint64_t)format->height;
    struct pixel_chroma_push push = {
        .chroma = cgv_cmd_write(cmd, scratch, cgv_pixels_pack_scratch(format)),
        .rgb = cgv_cmd_read(cmd, rgb.address, cgv_tensor_bytes(rgb)),
        .original = read_if(cmd, original),
        .width = format->width,
        .tensor_width = rgb.w,
        .tensor_height = rgb.h,
        .chroma_width = chroma_width(format),
        .count = (int)count,
        .kr = format->colour.kr,
        .kb = format->colour.kb,
        .strength = blend->strength,
        .wipe = blend->wipe,
        .line = blend->line,
    };
    cgv_dispatch_linear(
        cmd, count,
        (cgv_dispatch){.shader = &cgv_shader_pixel_chroma,
                       .spec = {format->layout.log2_chroma_w, site(format->colour.chroma_x),
                                original.address != 0},
                       .spec_count = 3,
                       .push = &push,
                       .push_bytes = sizeof push});
}

// What most videos are: a plane for each component, in pairs of pixels.
static bool is_planar(const cgv_picture_format *format, cgv_tensor rgb) {
    const cgv_layout *layout = &format->layout;
    return kind_of(layout) == KIND_YUV && layout->planes == 3 && follow_each_other(layout) &&
           format->width % 2 == 0 && rgb.w % 2 == 0;
}

static void pack_planar(cgv_cmd *cmd, const cgv_planes *planes, const cgv_picture_format *format,
                        cgv_tensor rgb, cgv_tensor original, const cgv_blend *blend, bool dither,
                        uint64_t flag, uint64_t scratch) {
    const cgv_layout *layout = &format->layout;
    uint64_t scratch_bytes = cgv_pixels_pack_scratch(format);
    int luma = layout->component[0].plane;
    struct pixel_rows_push rows = {
        .luma = cgv_cmd_write(cmd, planes->address[luma],
                              (uint64_t)planes->stride[luma] * (uint64_t)format->height),
        .chroma = cgv_cmd_write(cmd, scratch, scratch_bytes),
        .rgb = cgv_cmd_read(cmd, rgb.address, cgv_tensor_bytes(rgb)),
        .original = read_if(cmd, original),
        .flag = cgv_cmd_write(cmd, flag, sizeof(uint32_t)),
        .luma_stride = (int)planes->stride[luma],
        .chroma_stride = chroma_stride(format),
        .width = format->width,
        .height = format->height,
        .tensor_width = rgb.w,
        .tensor_height = rgb.h,
        .kr = format->colour.kr,
        .kb = format->colour.kb,
        .full_range = format->colour.full_range,
        .depth = layout->component[0].depth,
        .shift = layout->component[0].shift,
        .strength = blend->strength,
        .wipe = blend->wipe,
        .line = blend->line,
    };
    cgv_dispatch_linear(
        cmd, (uint64_t)cgv_divide_up(format->width, 8) * (uint64_t)format->height,
        (cgv_dispatch){.shader = &cgv_shader_pixel_rows,
                       .spec = {layout->log2_chroma_w, site(format->colour.chroma_x),
                                is_wide(layout), original.address != 0, dither},
                       .spec_count = 5,
                       .push = &rows,
                       .push_bytes = sizeof rows});
    int run = is_wide(layout) ? 4 : 8;
    struct pixel_columns_push columns = {
        .chroma = cgv_cmd_read(cmd, scratch, scratch_bytes),
        .chroma_stride = rows.chroma_stride,
        .height = format->height,
        .rows = cgv_picture_rows(format, layout->component[1].plane),
        .full_range = rows.full_range,
        .depth = rows.depth,
        .shift = rows.shift,
    };
    for (int c = 0; c < 2; c++) {
        int p = layout->component[1 + c].plane;
        columns.stride[c] = (int)planes->stride[p];
        columns.plane[c] = cgv_cmd_write(cmd, planes->address[p],
                                         (uint64_t)planes->stride[p] * (uint64_t)columns.rows);
    }
    cgv_dispatch_linear(
        cmd, 2 * (uint64_t)(rows.chroma_stride / run) * (uint64_t)columns.rows,
        (cgv_dispatch){
            .shader = &cgv_shader_pixel_columns,
            .spec = {layout->log2_chroma_h, site(format->colour.chroma_y), is_wide(layout), dither},
            .spec_count = 4,
            .push = &columns,
            .push_bytes = sizeof columns});
}

void cgv_pixels_pack(cgv_cmd *cmd, const cgv_planes *planes, const cgv_picture_format *format,
                     cgv_tensor rgb, cgv_tensor original, const cgv_blend *blend, bool dither,
                     uint64_t flag, uint64_t scratch) {
    const cgv_layout *layout = &format->layout;
    if (is_planar(format, rgb)) {
        pack_planar(cmd, planes, format, rgb, original, blend, dither, flag, scratch);
        return;
    }
    int unit = is_wide(layout) ? 2 : 1, per_word = 4 / unit;
    uint64_t scratch_bytes = cgv_pixels_pack_scratch(format);
    if (scratch_bytes)
        filter_chroma(cmd, format, rgb, original, blend, scratch);
    for (int p = 0; p < layout->planes; p++) {
        int rows = cgv_picture_rows(format, p), step = 1;
        int units = (int)cgv_picture_row_bytes(format, p) / unit;
        uint32_t components = component_map(layout, p, unit, &step);
        struct pixel_pack_push push = {
            .plane = cgv_cmd_write(cmd, planes->address[p],
                                   (uint64_t)planes->stride[p] * (uint64_t)rows),
            .rgb = cgv_cmd_read(cmd, rgb.address, cgv_tensor_bytes(rgb)),
            .original = read_if(cmd, original),
            .chroma = scratch_bytes ? cgv_cmd_read(cmd, scratch, scratch_bytes) : 0,
            // The plane of the first component shows every pixel; one dispatch sets the flag.
            .flag =
                p == layout->component[0].plane ? cgv_cmd_write(cmd, flag, sizeof(uint32_t)) : 0,
            .stride = (int)planes->stride[p],
            .units = units,
            .rows = rows,
            .components = components,
            .height = format->height,
            .tensor_width = rgb.w,
            .tensor_height = rgb.h,
            .chroma_width = chroma_width(format),
            .kr = format->colour.kr,
            .kb = format->colour.kb,
            .full_range = format->colour.full_range,
            .depth = layout->component[0].depth,
            .shift = layout->component[0].shift,
            .strength = blend->strength,
            .wipe = blend->wipe,
            .line = blend->line,
        };
        cgv_dispatch_linear(cmd, (uint64_t)cgv_divide_up(units, per_word) * (uint64_t)rows,
                            (cgv_dispatch){.shader = &cgv_shader_pixel_pack,
                                           .spec = {kind_of(layout), layout->log2_chroma_h,
                                                    site(format->colour.chroma_y), is_wide(layout),
                                                    step, original.address != 0, dither},
                                           .spec_count = 7,
                                           .push = &push,
                                           .push_bytes = sizeof push});
    }
}

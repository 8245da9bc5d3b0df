// Descriptions of pictures: sizes of planes, and which layouts the pixel shaders take.
#include "cgvideo/picture.h"

cgv_picture_format cgv_picture_format_rgb24(int width, int height) {
    return (cgv_picture_format){
        .width = width,
        .height = height,
        .layout = {.component = {{0, 3, 0, 0, 8}, {0, 3, 1, 0, 8}, {0, 3, 2, 0, 8}},
                   .components = 3,
                   .planes = 1,
                   .rgb = true},
        .colour = {.kr = 0.2126f, .kb = 0.0722f, .full_range = true},
    };
}

static bool is_chroma(const cgv_layout *layout, int component) {
    return !layout->rgb && layout->components >= 3 && (component == 1 || component == 2);
}

static int shift_up(int value, int bits) {
    return (value + (1 << bits) - 1) >> bits;
}

size_t cgv_picture_row_bytes(const cgv_picture_format *format, int plane) {
    const cgv_layout *layout = &format->layout;
    size_t bytes = 0;
    for (int c = 0; c < layout->components; c++) {
        int width =
            is_chroma(layout, c) ? shift_up(format->width, layout->log2_chroma_w) : format->width;
        size_t row = (size_t)width * layout->component[c].step;
        if (layout->component[c].plane == plane && row > bytes)
            bytes = row;
    }
    return bytes;
}

int cgv_picture_rows(const cgv_picture_format *format, int plane) {
    const cgv_layout *layout = &format->layout;
    int rows = 0;
    for (int c = 0; c < layout->components; c++) {
        int height =
            is_chroma(layout, c) ? shift_up(format->height, layout->log2_chroma_h) : format->height;
        if (layout->component[c].plane == plane && height > rows)
            rows = height;
    }
    return rows;
}

// Whether the samples of component c can be reached by the shaders' word loads, and share their
// plane with others of one step and one size only.
static bool component_supported(const cgv_layout *layout, int c) {
    const cgv_component *own = &layout->component[c], *first = &layout->component[0];
    int unit = first->depth + first->shift > 8 ? 2 : 1;
    bool subsampled = layout->log2_chroma_w || layout->log2_chroma_h;
    if (own->depth != first->depth || own->shift != first->shift || own->plane >= layout->planes ||
        own->step % unit || own->offset % unit || own->step < unit || own->step > 8 * unit ||
        own->offset + unit > own->step)
        return false;
    for (int d = 0; d < c; d++) {
        const cgv_component *other = &layout->component[d];
        if (other->plane == own->plane &&
            (other->step != own->step || other->offset == own->offset ||
             (subsampled && is_chroma(layout, c) != is_chroma(layout, d))))
            return false;
    }
    return true;
}

bool cgv_layout_supported(const cgv_layout *layout) {
    const cgv_component *first = &layout->component[0];
    if (layout->components < 1 || layout->components > 4 || layout->planes < 1 ||
        layout->planes > 4 || first->depth < 8 || first->depth + first->shift > 16 ||
        layout->log2_chroma_w > 1 || layout->log2_chroma_h > 1)
        return false;
    int used = 0;
    for (int c = 0; c < layout->components; c++) {
        if (!component_supported(layout, c))
            return false;
        used |= 1 << layout->component[c].plane;
    }
    return used == (1 << layout->planes) - 1;
}

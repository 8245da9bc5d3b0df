#include "train/scene.h"

#include "train/panes.h"
#include "train/sky.h"

// The short side of the picture in which a sky is looked for, at most: in larger ones edges are
// soft, and the flood gets across.
enum { SKY_SIDE = 104 };

static cgv_status resize(cgv_bitmap *out, int width, int height, const cgv_bitmap *in) {
    return cgv_bitmap_resize(out, width, height, in, (cgv_box){0, 0, in->width, in->height});
}

static int scaled(int size, int side) {
    int result = (int)((int64_t)size * SKY_SIDE / side);
    return side <= SKY_SIDE ? size : result < 1 ? 1 : result;
}

// Of this size.
static cgv_status find_sky(cgv_bitmap *out, const cgv_bitmap *picture, int width, int height) {
    int side = picture->width < picture->height ? picture->width : picture->height;
    cgv_bitmap small, sky;
    cgv_status status =
        resize(&small, scaled(picture->width, side), scaled(picture->height, side), picture);
    if (status)
        return status;
    status = cgv_sky_find(&sky, &small);
    cgv_bitmap_free(&small);
    if (status)
        return status;
    status = resize(out, width, height, &sky);
    cgv_bitmap_free(&sky);
    return status;
}

cgv_status cgv_scene_find(cgv_bitmap *out, const cgv_bitmap *picture) {
    cgv_bitmap sky;
    cgv_status status = cgv_panes_find(out, picture);
    if (status)
        return status;
    status = find_sky(&sky, picture, out->width, out->height);
    if (status) {
        cgv_bitmap_free(out);
        return status;
    }
    for (size_t i = 0; i < cgv_bitmap_bytes(out->width, out->height); i += 3) {
        out->rgb[i] = sky.rgb[i];
        if (sky.rgb[i])
            out->rgb[i + 1] = out->rgb[i + 2] = 0; // a bird, a lamp; but no window
    }
    cgv_bitmap_free(&sky);
    return CGV_OK;
}

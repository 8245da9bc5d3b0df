#include "train/scene.h"

#include "train/sky.h"

cgv_status cgv_scene_find(cgv_bitmap *out, const cgv_bitmap *picture, const cgv_bitmap *panes) {
    cgv_bitmap sky;
    cgv_status status = cgv_bitmap_resize(out, picture->width, picture->height, panes,
                                          (cgv_box){0, 0, panes->width, panes->height});
    if (status)
        return status;
    status = cgv_sky_find(&sky, picture);
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

#include "train/png.h"

#include <png.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"

cgv_status cgv_png_encode(void **data, size_t *size, const uint8_t *rgb, int width, int height) {
    *data = NULL;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image); // enough for any content
    *data = malloc(bytes);
    if (!*data)
        return cgv_fail(CGV_ERROR_MEMORY, "PNG: no memory for %dx%d", width, height);
    if (!png_image_write_to_memory(&image, *data, &bytes, 0, rgb, 0, NULL)) {
        free(*data);
        *data = NULL;
        return cgv_fail(CGV_ERROR_ARGUMENT, "PNG: %dx%d: %s", width, height, image.message);
    }
    *size = bytes;
    void *fitting = realloc(*data, bytes);
    if (fitting)
        *data = fitting;
    return CGV_OK;
}

cgv_status cgv_png_write(const char *path, const uint8_t *rgb, int width, int height) {
    void *data;
    size_t size;
    cgv_status status = cgv_png_encode(&data, &size, rgb, width, height);
    if (!status)
        status = cgv_fs_write(path, data, size);
    free(data);
    return status;
}

cgv_status cgv_png_decode(cgv_bitmap *out, const void *data, size_t size, const char *name) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    *out = (cgv_bitmap){0};
    if (!png_image_begin_read_from_memory(&image, data, size))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: cannot decode: %s", name, image.message);
    image.format = PNG_FORMAT_RGB;
    cgv_status status = cgv_bitmap_create(out, (int)image.width, (int)image.height);
    if (!status && !png_image_finish_read(&image, &(png_color){0}, out->rgb, 0, NULL)) {
        cgv_bitmap_free(out);
        status = cgv_fail(CGV_ERROR_FORMAT, "%s: cannot decode: %s", name, image.message);
    }
    png_image_free(&image);
    return status;
}

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

#include "train/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "base/log.h"

// libjpeg reports an error by a callback that must not return.
typedef struct failure {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
} failure;

static void on_error(j_common_ptr codec) {
    failure *f = (failure *)codec->err;
    f->manager.format_message(codec, f->text);
    longjmp(f->back, 1);
}

// Warnings are about damaged data: of the cache, which holds only what was made here, or of a
// picture that is to be measured.
static void on_message(j_common_ptr codec, int level) {
    if (level < 0)
        on_error(codec);
}

static struct jpeg_error_mgr *catch_errors(failure *f) {
    jpeg_std_error(&f->manager);
    f->manager.error_exit = on_error;
    f->manager.emit_message = on_message;
    return &f->manager;
}

// More than the worst picture takes: 26 bits a coefficient of whole blocks, and the headers.
static unsigned long most_bytes(const cgv_bitmap *picture) {
    return 4 * cgv_bitmap_bytes(picture->width + 7, picture->height + 7) + 4096;
}

cgv_status cgv_jpeg_encode(uint8_t **data, size_t *size, const cgv_bitmap *picture, int quality) {
    struct jpeg_compress_struct encoder;
    failure f;
    // libjpeg is never to make it larger: of what it allocates then, a failure leaves no trace.
    unsigned long length = most_bytes(picture);
    unsigned char *const room = malloc(length), *buffer = room;
    *data = NULL;
    *size = 0;
    if (!room)
        return cgv_fail(CGV_ERROR_MEMORY, "no memory to compress a picture of %dx%d",
                        picture->width, picture->height);
    encoder.err = catch_errors(&f);
    if (setjmp(f.back)) {
        jpeg_destroy_compress(&encoder);
        free(room);
        return cgv_fail(CGV_ERROR_MEMORY, "cannot compress a picture of %dx%d: %s", picture->width,
                        picture->height, f.text);
    }
    jpeg_create_compress(&encoder);
    jpeg_mem_dest(&encoder, &buffer, &length);
    encoder.image_width = (JDIMENSION)picture->width;
    encoder.image_height = (JDIMENSION)picture->height;
    encoder.input_components = 3;
    encoder.in_color_space = JCS_RGB;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, quality, TRUE);
    // Chroma in full: pictures that were scaled down have it, and it is what the networks recolour.
    encoder.comp_info[0].h_samp_factor = encoder.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < encoder.image_height) {
        JSAMPROW row = picture->rgb + cgv_bitmap_bytes(picture->width, (int)encoder.next_scanline);
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
    unsigned char *less = realloc(room, length);
    *data = less ? less : room;
    *size = length;
    return CGV_OK;
}

cgv_status cgv_jpeg_decode(cgv_bitmap *out, const uint8_t *data, size_t size, const char *name) {
    struct jpeg_decompress_struct decoder;
    failure f;
    *out = (cgv_bitmap){0};
    decoder.err = catch_errors(&f);
    if (setjmp(f.back)) {
        jpeg_destroy_decompress(&decoder);
        cgv_bitmap_free(out);
        return cgv_fail(CGV_ERROR_FORMAT, "%s: cannot decode: %s", name, f.text);
    }
    jpeg_create_decompress(&decoder);
    jpeg_mem_src(&decoder, data, size);
    jpeg_read_header(&decoder, TRUE);
    decoder.out_color_space = JCS_RGB;
    jpeg_start_decompress(&decoder);
    cgv_status status =
        cgv_bitmap_create(out, (int)decoder.output_width, (int)decoder.output_height);
    while (!status && decoder.output_scanline < decoder.output_height) {
        JSAMPROW row = out->rgb + cgv_bitmap_bytes(out->width, (int)decoder.output_scanline);
        jpeg_read_scanlines(&decoder, &row, 1);
    }
    if (!status)
        jpeg_finish_decompress(&decoder);
    jpeg_destroy_decompress(&decoder);
    return status;
}

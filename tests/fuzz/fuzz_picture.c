// Pictures that are read without FFmpeg.
#include "consume.h"
#include "train/jpeg.h"
#include "train/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bool png = size && data[0] == 0x89;
    cgv_bitmap picture, small;
    fuzz_listen();
    cgv_status status = png ? cgv_png_decode(&picture, data, size, "fuzz")
                            : cgv_jpeg_decode(&picture, data, size, "fuzz");
    fuzz_expect_messages(status ? 1 : 0);
    fuzz_expect(!status == (picture.rgb != NULL));
    if (status)
        return 0;
    fuzz_expect(picture.width > 0 && picture.height > 0);
    if ((int64_t)picture.width * picture.height < 1 << 20) {
        fuzz_expect(!cgv_bitmap_resize(&small, 5, 7, &picture,
                                       (cgv_box){0, 0, picture.width, picture.height}));
        cgv_bitmap_free(&small);
    }
    cgv_bitmap_free(&picture);
    return 0;
}

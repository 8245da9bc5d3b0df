// Translate one picture with the library: translate_image MODEL IN.ppm OUT.ppm
// cc translate_image.c $(pkg-config --cflags --libs cgvideo)
#include <cgvideo/cgvideo.h>
#include <stdio.h>
#include <stdlib.h>

static void print_message(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    (void)level;
    fprintf(stderr, "%s\n", text);
}

int main(int argc, char **argv) {
    FILE *in = argc == 4 ? fopen(argv[2], "rb") : NULL, *out = NULL;
    int width = 0, height = 0;
    if (!in || fscanf(in, "P6 %d %d 255", &width, &height) != 2 || width < 16 || height < 16) {
        fprintf(stderr, "usage: translate_image MODEL IN.ppm OUT.ppm (8 bits, at least 16x16)\n");
        return 2;
    }
    fgetc(in); // the one blank before the pixels
    size_t bytes = 3 * (size_t)width * (size_t)height;
    cgv_picture picture = {.data = {malloc(bytes)}, .stride = {3 * (ptrdiff_t)width}};
    cgv_picture_format format = cgv_picture_format_rgb24(width, height);
    cgv_device *device = NULL;
    cgv_model *model = NULL;
    cgv_translator *translator = NULL;

    cgv_log_set(print_message, NULL, CGV_LOG_WARNING);
    bool ok = picture.data[0] && fread(picture.data[0], 1, bytes, in) == bytes;
    if (!ok)
        fprintf(stderr, "%s: cut off, or no memory for it\n", argv[2]);
    ok = ok && !cgv_device_create(&device, NULL);
    ok = ok && !cgv_model_load(&model, argv[1]);
    ok = ok && !cgv_translator_create(&translator, device, model, &format, &format, NULL);
    ok = ok && !cgv_translator_send(translator, &picture);
    ok = ok && !cgv_translator_receive(translator, &picture);
    if (ok) {
        ok = (out = fopen(argv[3], "wb"));
        ok = ok && fprintf(out, "P6\n%d %d\n255\n", width, height) > 0;
        ok = ok && fwrite(picture.data[0], 1, bytes, out) == bytes;
        ok = out && !fclose(out) && ok;
        if (!ok)
            perror(argv[3]);
    }

    cgv_translator_destroy(&translator);
    cgv_model_destroy(&model);
    cgv_device_destroy(&device);
    free(picture.data[0]);
    fclose(in);
    return ok ? 0 : 1;
}

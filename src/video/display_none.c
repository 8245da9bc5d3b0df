// The window of a build without SDL2.
#include "base/log.h"
#include "video/display.h"

cgv_status cgv_display_open(cgv_display **out, const char *title, const AVFrame *like,
                            cgv_turn turn) {
    (void)title, (void)like, (void)turn;
    *out = NULL;
    return cgv_fail(CGV_ERROR_UNSUPPORTED,
                    "-preview: this build has no SDL2: install libsdl2-dev and build again");
}

cgv_status cgv_display_show(cgv_display *display, const AVFrame *picture, const AVFrame *before) {
    (void)display, (void)picture, (void)before;
    return CGV_ERROR_UNSUPPORTED;
}

int cgv_display_key(cgv_display *display) {
    (void)display;
    return 0;
}

void cgv_display_title(cgv_display *display, const char *title) {
    (void)display, (void)title;
}

void cgv_display_toggle_fullscreen(cgv_display *display) {
    (void)display;
}

void cgv_display_close(cgv_display **display) {
    *display = NULL;
}

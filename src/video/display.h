// A window that shows pictures and takes keys. All calls come from the thread that opened it.
#ifndef CGV_VIDEO_DISPLAY_H
#define CGV_VIDEO_DISPLAY_H

#include <libavutil/frame.h>

#include "cgvideo/status.h"
#include "video/turn.h"

typedef struct cgv_display cgv_display;

// A window for pictures of the size and shape of `like`, no larger than the screen. They are shown
// turned.
// CGV_ERROR_UNSUPPORTED: this build has no SDL2, or there is no screen.
CGV_NODISCARD cgv_status cgv_display_open(cgv_display **out, const char *title, const AVFrame *like,
                                          cgv_turn turn);

// Show a picture; with `before`, a picture of the same size, left of the wipe, which follows the
// pointer. Neither is kept.
CGV_NODISCARD cgv_status cgv_display_show(cgv_display *display, const AVFrame *picture,
                                          const AVFrame *before);

// The next key that was pressed, as a character; 'q' where the window was closed, '\r' where it has
// to be drawn anew; 0: none.
int cgv_display_key(cgv_display *display);

void cgv_display_title(cgv_display *display, const char *title);
void cgv_display_toggle_fullscreen(cgv_display *display);

void cgv_display_close(cgv_display **display);

#endif

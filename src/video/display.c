// The window, through SDL2.
#include "video/display.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>

#include "base/log.h"
#include "video/colour.h"
#include "video/convert.h"

typedef struct surface {
    SDL_Texture *texture;
    Uint32 format;
    cgv_convert *convert; // to what textures hold
} surface;

struct cgv_display {
    SDL_Window *window;
    SDL_Renderer *renderer;
    surface after, before;
    int width, height; // of the pictures
    cgv_turn turn;     // in which they are shown
    // With square pixels: as stored (the height is the same), and upright.
    int stored_width, shown_width, shown_height;
    float wipe; // 0..1 of the width
};

static cgv_status failed(const char *what) {
    return cgv_fail(CGV_ERROR_UNSUPPORTED, "-preview: %s: %s", what, SDL_GetError());
}

// The largest window of the picture's shape that fits the screen.
static void choose_size(const cgv_display *display, int *width, int *height) {
    SDL_Rect room;
    *width = display->shown_width;
    *height = display->shown_height;
    if (SDL_GetDisplayUsableBounds(0, &room) || (*width <= room.w && *height <= room.h))
        return;
    if ((int64_t)*width * room.h > (int64_t)*height * room.w) {
        *height = (int)((int64_t)*height * room.w / *width);
        *width = room.w;
    } else {
        *width = (int)((int64_t)*width * room.h / *height);
        *height = room.h;
    }
}

static cgv_status open_window(cgv_display *display, const char *title) {
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "0");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO))
        return failed("no screen");
    // SDL finds a screen everywhere, if need be one that nobody sees.
    const char *driver = SDL_GetCurrentVideoDriver(), *asked = SDL_getenv("SDL_VIDEODRIVER");
    if (!asked && (!strcmp(driver, "offscreen") || !strcmp(driver, "dummy")))
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "-preview: no screen: DISPLAY and WAYLAND_DISPLAY "
                                               "lead to none");
    int width, height;
    choose_size(display, &width, &height);
    display->window = SDL_CreateWindow(title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                       width, height, SDL_WINDOW_RESIZABLE);
    if (!display->window)
        return failed("cannot open a window");
    display->renderer = SDL_CreateRenderer(display->window, -1, 0);
    if (!display->renderer)
        return failed("cannot draw");
    if (SDL_RenderSetLogicalSize(display->renderer, display->shown_width, display->shown_height))
        return failed("cannot scale");
    return CGV_OK;
}

cgv_status cgv_display_open(cgv_display **out, const char *title, const AVFrame *like,
                            cgv_turn turn) {
    cgv_display *display = *out = calloc(1, sizeof *display);
    if (!display)
        return cgv_fail(CGV_ERROR_MEMORY, "-preview: out of memory");
    AVRational shape = like->sample_aspect_ratio;
    display->turn = turn;
    display->width = display->stored_width = like->width;
    display->height = like->height;
    if (shape.num > 0 && shape.den > 0)
        display->stored_width = (int)av_rescale(like->width, shape.num, shape.den);
    bool swapped = cgv_turn_swaps_sides(turn);
    display->shown_width = swapped ? display->height : display->stored_width;
    display->shown_height = swapped ? display->stored_width : display->height;
    display->wipe = .5f;
    cgv_status status = cgv_convert_create(&display->after.convert);
    if (!status)
        status = cgv_convert_create(&display->before.convert);
    if (!status)
        status = open_window(display, title);
    if (status)
        cgv_display_close(out);
    return status;
}

// Textures of planes spare a conversion, but know two matrices and limited range only.
static bool drawn_as_planes(const AVFrame *frame) {
    bool video = frame->colorspace == AVCOL_SPC_BT709 || frame->colorspace == AVCOL_SPC_SMPTE170M ||
                 frame->colorspace == AVCOL_SPC_BT470BG;
    return frame->format == AV_PIX_FMT_YUV420P && video && frame->color_range != AVCOL_RANGE_JPEG;
}

static cgv_status make_texture(cgv_display *display, surface *s, Uint32 format) {
    if (s->texture && s->format == format)
        return CGV_OK;
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    s->format = format;
    s->texture = SDL_CreateTexture(display->renderer, format, SDL_TEXTUREACCESS_STREAMING,
                                   display->width, display->height);
    return s->texture ? CGV_OK : failed("cannot hold a picture");
}

static cgv_status load_planes(cgv_display *display, surface *s, const AVFrame *frame) {
    SDL_SetYUVConversionMode(frame->colorspace == AVCOL_SPC_BT709 ? SDL_YUV_CONVERSION_BT709
                                                                  : SDL_YUV_CONVERSION_BT601);
    cgv_status status = make_texture(display, s, SDL_PIXELFORMAT_IYUV);
    if (!status &&
        SDL_UpdateYUVTexture(s->texture, NULL, frame->data[0], frame->linesize[0], frame->data[1],
                             frame->linesize[1], frame->data[2], frame->linesize[2]))
        status = failed("cannot show a picture");
    return status;
}

static cgv_status load(cgv_display *display, surface *s, const AVFrame *picture) {
    if (drawn_as_planes(picture))
        return load_planes(display, s, picture);
    AVFrame *frame = av_frame_clone(picture), *like = av_frame_alloc();
    cgv_status status =
        frame && like ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "-preview: out of memory");
    if (!status) {
        cgv_colour_output(like, frame, AV_PIX_FMT_BGR0, CGV_COLOUR_VIDEO);
        like->color_range = AVCOL_RANGE_JPEG;
        if (frame->format != AV_PIX_FMT_BGR0)
            status = cgv_convert_like(s->convert, &frame, like);
    }
    if (!status)
        status = make_texture(display, s, SDL_PIXELFORMAT_XRGB8888);
    if (!status && SDL_UpdateTexture(s->texture, NULL, frame->data[0], frame->linesize[0]))
        status = failed("cannot show a picture");
    av_frame_free(&frame);
    av_frame_free(&like);
    return status;
}

// The whole picture, upright. SDL mirrors, then turns clockwise about the middle.
static bool draw(cgv_display *display, const surface *s) {
    const cgv_turn t = display->turn;
    const bool mirrored = t.xx * t.yy - t.xy * t.yx < 0;
    const int x = mirrored ? -t.xx : t.xx, y = mirrored ? -t.xy : t.xy; // where its x then goes
    const double angle = x > 0 ? 0 : x < 0 ? 180 : y > 0 ? 90 : 270;
    const float width = (float)display->stored_width, height = (float)display->height;
    const SDL_FRect place = {((float)display->shown_width - width) / 2,
                             ((float)display->shown_height - height) / 2, width, height};
    return !SDL_RenderCopyExF(display->renderer, s->texture, NULL, &place, angle, NULL,
                              mirrored ? SDL_FLIP_HORIZONTAL : SDL_FLIP_NONE);
}

// The left part of the picture that was, and a line.
static bool draw_wipe(cgv_display *display) {
    int shown = (int)(display->wipe * (float)display->shown_width);
    SDL_Rect part = {0, 0, shown, display->shown_height};
    SDL_Rect line = {shown - 1, 0, 2, display->shown_height};
    bool ok = !SDL_RenderSetClipRect(display->renderer, &part) && draw(display, &display->before);
    return !SDL_RenderSetClipRect(display->renderer, NULL) && ok &&
           !SDL_SetRenderDrawColor(display->renderer, 255, 255, 255, 255) &&
           !SDL_RenderFillRect(display->renderer, &line);
}

cgv_status cgv_display_show(cgv_display *display, const AVFrame *picture, const AVFrame *before) {
    cgv_status status = load(display, &display->after, picture);
    if (!status && before)
        status = load(display, &display->before, before);
    if (status)
        return status;
    bool ok = !SDL_SetRenderDrawColor(display->renderer, 0, 0, 0, 255) &&
              !SDL_RenderClear(display->renderer) && draw(display, &display->after) &&
              (!before || draw_wipe(display));
    SDL_RenderPresent(display->renderer);
    return ok ? CGV_OK : failed("cannot draw");
}

static int key_of(const SDL_KeyboardEvent *event) {
    switch (event->keysym.sym) {
    case SDLK_KP_PLUS:
    case SDLK_PLUS:
    case SDLK_EQUALS: // the same key without shift
        return '+';
    case SDLK_KP_MINUS:
        return '-';
    case SDLK_ESCAPE:
        return 'q';
    default:
        return event->keysym.sym < 127 ? (int)event->keysym.sym : 0;
    }
}

int cgv_display_key(cgv_display *display) {
    SDL_Event event;
    while (SDL_PollEvent(&event)) {
        float x, y;
        if (event.type == SDL_QUIT)
            return 'q';
        if (event.type == SDL_KEYDOWN && !event.key.repeat && key_of(&event.key))
            return key_of(&event.key);
        if (event.type == SDL_WINDOWEVENT && event.window.event != SDL_WINDOWEVENT_MOVED)
            return '\r';
        if (event.type == SDL_MOUSEMOTION) {
            // SDL gives these events in the coordinates of the picture already.
            x = (float)event.motion.x / (float)display->shown_width;
            y = display->wipe;
            display->wipe = x < 0 ? 0 : x > 1 ? 1 : x;
            if (y != display->wipe)
                return '\r';
        }
    }
    return 0;
}

void cgv_display_title(cgv_display *display, const char *title) {
    SDL_SetWindowTitle(display->window, title);
}

void cgv_display_toggle_fullscreen(cgv_display *display) {
    bool full = SDL_GetWindowFlags(display->window) & SDL_WINDOW_FULLSCREEN_DESKTOP;
    if (SDL_SetWindowFullscreen(display->window, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP))
        cgv_log(CGV_LOG_WARNING, "-preview: no full screen: %s", SDL_GetError());
}

void cgv_display_close(cgv_display **handle) {
    if (!handle || !*handle)
        return;
    cgv_display *display = *handle;
    if (display->after.texture)
        SDL_DestroyTexture(display->after.texture);
    if (display->before.texture)
        SDL_DestroyTexture(display->before.texture);
    if (display->renderer)
        SDL_DestroyRenderer(display->renderer);
    if (display->window)
        SDL_DestroyWindow(display->window);
    cgv_convert_destroy(&display->after.convert);
    cgv_convert_destroy(&display->before.convert);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    free(display);
    *handle = NULL;
}

#include "app/preview.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/time.h>

#include "base/log.h"
#include "video/av.h"
#include "video/colour.h"
#include "video/display.h"
#include "video/latency.h"

struct cgv_preview {
    cgv_display *display; // NULL once it failed
    AVFrame *format;
    const char *title;
    pthread_mutex_t lock; // guards latest, fresh
    cgv_item latest;      // empty before the first
    bool fresh;
    cgv_item shown; // of the drawing thread
    cgv_preview_wish wish;
    bool comparing;
    int64_t frames;
    cgv_latency latency;
};

cgv_status cgv_preview_open(cgv_preview **out, const char *title, const cgv_source_info *source,
                            float strength) {
    cgv_preview *preview = *out = calloc(1, sizeof *preview);
    if (!preview)
        return cgv_fail(CGV_ERROR_MEMORY, "-preview: out of memory");
    preview->title = title;
    preview->wish.strength = strength;
    pthread_mutex_init(&preview->lock, NULL);
    cgv_latency_init(&preview->latency);
    preview->format = av_frame_alloc();
    cgv_status status =
        preview->format ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "-preview: out of memory");
    if (!status) {
        cgv_colour_output(preview->format, source->first, cgv_colour_carrier(AV_PIX_FMT_BGR0),
                          CGV_COLOUR_VIDEO);
        preview->format->sample_aspect_ratio = source->video->sample_aspect_ratio.num
                                                   ? source->video->sample_aspect_ratio
                                                   : source->first->sample_aspect_ratio;
        status = cgv_display_open(&preview->display, title, preview->format,
                                  cgv_av_turn(source->video, source->first));
    }
    if (status)
        cgv_preview_close(out);
    return status;
}

const AVFrame *cgv_preview_format(const cgv_preview *preview) {
    return preview->format;
}

void cgv_preview_take(void *opaque, const cgv_item *item) {
    cgv_preview *preview = opaque;
    cgv_item copy;
    if (cgv_item_clone(&copy, item))
        return; // one picture less; the next stage finds out about the memory
    pthread_mutex_lock(&preview->lock);
    cgv_item last = preview->latest;
    preview->latest = copy;
    preview->fresh = true;
    pthread_mutex_unlock(&preview->lock);
    cgv_item_free(&last);
}

// Whether there is another frame than the one that is shown.
static bool take_latest(cgv_preview *preview) {
    pthread_mutex_lock(&preview->lock);
    cgv_item item = preview->latest;
    bool fresh = preview->fresh;
    if (fresh) {
        preview->latest = (cgv_item){0};
        preview->fresh = false;
    }
    pthread_mutex_unlock(&preview->lock);
    if (!fresh)
        return false;
    cgv_item_free(&preview->shown);
    preview->shown = item;
    return true;
}

static void tell_state(const cgv_preview *preview) {
    char title[512], strength[32] = "";
    if (preview->wish.strength < 1)
        snprintf(strength, sizeof strength, " [strength %.1f]", (double)preview->wish.strength);
    snprintf(title, sizeof title, "%s%s%s%s", preview->title, strength,
             preview->comparing ? " [compare]" : "", preview->wish.paused ? " [paused]" : "");
    cgv_display_title(preview->display, title);
}

static void change_strength(cgv_preview *preview, float by) {
    float strength = roundf(10 * (preview->wish.strength + by)) / 10;
    preview->wish.strength = strength < 0 ? 0 : strength > 1 ? 1 : strength;
}

// Whether the picture has to be drawn anew.
static bool obey(cgv_preview *preview, int key) {
    switch (key) {
    case 'q':
        preview->wish.quit = true;
        return false;
    case ' ':
        preview->wish.paused = !preview->wish.paused;
        break;
    case 'c':
        preview->comparing = !preview->comparing;
        break;
    case '+':
        change_strength(preview, .1f);
        break;
    case '-':
        change_strength(preview, -.1f);
        break;
    case 'f':
        cgv_display_toggle_fullscreen(preview->display);
        break;
    case '\r':
        return true;
    default:
        return false;
    }
    tell_state(preview);
    return true;
}

cgv_preview_wish cgv_preview_update(cgv_preview *preview) {
    bool draw = false, fresh;
    int key;
    if (cgv_preview_failed(preview))
        return preview->wish;
    while ((key = cgv_display_key(preview->display)))
        draw |= obey(preview, key);
    fresh = !preview->wish.paused && take_latest(preview);
    const AVFrame *frame = preview->shown.frame;
    if (!frame || !(draw || fresh))
        return preview->wish;
    // A window that cannot be drawn in is closed, and says why.
    if (cgv_display_show(preview->display, frame,
                         preview->comparing ? preview->shown.before : NULL)) {
        cgv_display_close(&preview->display);
        preview->wish.paused = false;
        return preview->wish;
    }
    if (fresh) {
        preview->frames++;
        if (cgv_av_frame_captured(frame))
            cgv_latency_add(&preview->latency,
                            av_gettime_relative() - cgv_av_frame_captured(frame));
    }
    return preview->wish;
}

bool cgv_preview_failed(const cgv_preview *preview) {
    return !preview->display;
}

int64_t cgv_preview_frames(const cgv_preview *preview) {
    return preview->frames;
}

int64_t cgv_preview_latency(cgv_preview *preview, double share) {
    return cgv_latency_quantile(&preview->latency, share);
}

void cgv_preview_close(cgv_preview **handle) {
    if (!handle || !*handle)
        return;
    cgv_preview *preview = *handle;
    cgv_display_close(&preview->display);
    cgv_item_free(&preview->latest);
    cgv_item_free(&preview->shown);
    av_frame_free(&preview->format);
    cgv_latency_destroy(&preview->latency);
    pthread_mutex_destroy(&preview->lock);
    free(preview);
    *handle = NULL;
}

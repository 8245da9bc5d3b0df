// The stage of a pipeline that translates.
#include <inttypes.h>

#include <libavutil/imgutils.h>
#include <libavutil/time.h>

#include "app/pipeline_internal.h"
#include "base/log.h"
#include "filter/carry.h"
#include "filter/profile.h"
#include "video/black.h"
#include "video/colour.h"
#include "video/hdr.h"

static cgv_status out_of_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "translate: out of memory");
}

static cgv_picture picture_of(const AVFrame *frame) {
    cgv_picture picture = {0};
    for (int i = 0; i < 4; i++) {
        picture.data[i] = frame->data[i];
        picture.stride[i] = frame->linesize[i];
    }
    return picture;
}

static int smaller_tile(const cgv_pipeline *pipeline, int height) {
    enum { USUAL = 512 };
    int side = pipeline->made.tile ? pipeline->made.tile : FFMIN(height, 2 * USUAL);
    return FFMAX(side / 2, CGV_TILE_LEAST);
}

// The cause was said; this is what helps.
static void suggest_less(const cgv_pipeline *pipeline, const AVFrame *in) {
    int height = pipeline->made.net_height
                     ? pipeline->made.net_height
                     : cgv_carry_height(pipeline->params.model, in->width, in->height);
    height = height && height < in->height ? height : in->height;
    if (pipeline->params.auto_height && height > CGV_LADDER_LEAST)
        return; // a lower one is gone back to
    if (height > CGV_LADDER_LEAST)
        cgv_log(CGV_LOG_ERROR,
                "translate: the network at a height of %d is too large for this device: try "
                "-net_height %d, or -tile %d, which is slow",
                height, FFMAX(height / 2, CGV_LADDER_LEAST), smaller_tile(pipeline, height));
    else
        cgv_log(CGV_LOG_ERROR, "translate: pictures of %dx%d are too large for this device",
                in->width, in->height);
}

// What frames so far leave behind (cgv_translator_save), and of which network.
typedef struct past {
    uint8_t *state; // NULL: nothing
    uint64_t size;
} past;

static cgv_status save_past(past *out, const cgv_pipeline *pipeline, const AVFrame *in) {
    cgv_translator *translator = pipeline->translator;
    *out = (past){.size = translator ? cgv_translator_state_size(translator) : 0};
    if (!out->size || !cgv_colour_same(in, pipeline->format))
        return CGV_OK;
    out->state = av_malloc(out->size);
    cgv_status status = out->state ? cgv_translator_save(translator, out->state) : out_of_memory();
    if (status)
        av_freep(&out->state);
    return status;
}

// A translator that blends otherwise, or whose network has another height, goes on where the last
// one stood; where sizes differ it cannot, as with a grid of another height.
static cgv_status restore_past(cgv_pipeline *pipeline, const past *before) {
    bool alike = before->size == cgv_translator_state_size(pipeline->translator);
    return before->state && alike ? cgv_translator_restore(pipeline->translator, before->state)
                                  : CGV_OK;
}

cgv_status cgv_pipeline_make_translator(cgv_pipeline *pipeline, const AVFrame *in) {
    const cgv_pipeline_params *params = &pipeline->params;
    past before;
    cgv_picture_format from, to;
    cgv_status status = cgv_colour_format(&from, in);
    if (!status)
        status = cgv_colour_format(&to, params->format);
    if (!status)
        status = save_past(&before, pipeline, in);
    if (status)
        return status;
    cgv_translator_destroy(&pipeline->translator);
    status = cgv_translator_create(&pipeline->translator, params->device, params->model, &from, &to,
                                   &pipeline->made);
    if (status == CGV_ERROR_DEVICE_MEMORY)
        suggest_less(pipeline, in);
    if (!status)
        status = restore_past(pipeline, &before);
    av_free(before.state);
    if (status)
        return status;
    int width, height;
    cgv_translator_net_size(pipeline->translator, &width, &height);
    atomic_store(&pipeline->net_height, height);
    atomic_store(&pipeline->memory, cgv_translator_memory(pipeline->translator));
    cgv_log(CGV_LOG_VERBOSE, "translator: %dx%d, %d at a time, %.1f MiB", from.width, from.height,
            cgv_translator_batch(pipeline->translator),
            (double)cgv_translator_memory(pipeline->translator) / (1 << 20));
    cgv_colour_copy(pipeline->format, in);
    return CGV_OK;
}

// A frame with room for the output picture; times and side data as the input's.
static AVFrame *output_frame(cgv_pipeline *pipeline, const AVFrame *in) {
    const AVFrame *like = pipeline->params.format;
    AVFrame *frame = av_frame_alloc();
    if (!frame || av_frame_copy_props(frame, in) < 0)
        goto fail;
    cgv_colour_copy(frame, like);
    if (cgv_hdr_transfer(in->color_trc) != CGV_TRANSFER_SDR)
        cgv_hdr_strip(frame);
    frame->buf[0] = av_buffer_pool_get(pipeline->pool);
    if (!frame->buf[0] || av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data,
                                               frame->format, frame->width, frame->height, 64) < 0)
        goto fail;
    return frame;
fail:
    av_frame_free(&frame);
    return NULL;
}

void cgv_pipeline_free_slot(cgv_pipeline_slot *slot) {
    av_frame_free(&slot->out);
    av_frame_free(&slot->in);
    av_buffer_unref(&slot->state);
}

// To every output; the last one gets the item itself.
static cgv_status hand_out(cgv_pipeline *pipeline, cgv_item item) {
    int last = pipeline->params.sink_count - 1;
    cgv_status status = CGV_OK;
    bool starved = false;
    if (item.kind == CGV_ITEM_FRAME && pipeline->params.show)
        pipeline->params.show(pipeline->params.show_to, &item);
    av_frame_free(&item.before);
    for (int i = 0; i < last && !status; i++) {
        cgv_item copy;
        status = cgv_item_clone(&copy, &item);
        if (!status)
            starved |= cgv_outlet_push(pipeline->outlets[i], copy);
    }
    if (status || last < 0)
        cgv_item_free(&item);
    else
        starved |= cgv_outlet_push(pipeline->outlets[last], item);
    pipeline->starved += starved;
    return status;
}

// The time that there is for a frame, in seconds.
static double interval(const cgv_pipeline *pipeline) {
    AVRational rate = cgv_source_get_info(pipeline->params.source)->rate;
    return rate.num ? av_q2d(av_inv_q(rate)) : 1. / 25;
}

static void take_parts(cgv_pipeline *pipeline) {
    const cgv_profile_entry *entries;
    int count;
    double ms[CGV_PARTS];
    if (!pipeline->made.profile || cgv_translator_profile(pipeline->translator, &entries, &count))
        return;
    if (!count)
        return;
    cgv_parts_sum(ms, entries, count);
    const int together = cgv_translator_batch(pipeline->translator); // whose time that is
    for (int p = 0; p < CGV_PARTS; p++) {
        double before = atomic_load(&pipeline->device_ms[p]);
        const double each = ms[p] / together;
        atomic_store(&pipeline->device_ms[p], before > 0 ? before + (each - before) / 4 : each);
    }
}

// Frames since the last call for which some stage had no time. Those that a constant rate leaves
// out are wanted to be.
static int newly_lost(cgv_pipeline *pipeline) {
    int64_t lost = atomic_load(&pipeline->late) + pipeline->starved, before = pipeline->lost;
    pipeline->lost = lost;
    return (int)(lost - before);
}

static void take_time(cgv_pipeline *pipeline, int64_t microseconds) {
    cgv_latency_add(&pipeline->translate, microseconds);
    take_parts(pipeline);
    if (!pipeline->params.auto_height)
        return;
    double seconds = (double)microseconds / AV_TIME_BASE;
    bool begun = pipeline->ladder.phase == CGV_LADDER_STEADY;
    cgv_ladder_next(&pipeline->ladder, seconds, interval(pipeline), newly_lost(pipeline));
    bool steady = pipeline->ladder.phase == CGV_LADDER_STEADY;
    bool moves = pipeline->ladder.height != pipeline->made.net_height;
    if (steady && (!begun || moves))
        cgv_log(
            CGV_LOG_INFO,
            "quality: the network runs at a height of %d: %.1f ms a frame are expected, of %.1f",
            moves ? pipeline->ladder.height : atomic_load(&pipeline->net_height),
            1000 * cgv_ladder_expected(&pipeline->ladder), 1000 * interval(pipeline));
}

// The filter said what happened, but not where in the video. frame: of this run.
static cgv_status failed_at(const cgv_pipeline *pipeline, int64_t frame, cgv_status status) {
    int64_t all = pipeline->segments.done.frames + frame;
    cgv_log(CGV_LOG_ERROR, "translate: failed at frame %" PRId64 ": %s", all,
            cgv_status_text(status));
    return status;
}

// Wait for the oldest picture in flight and hand it on.
static cgv_status receive(cgv_pipeline *pipeline) {
    cgv_pipeline_slot *slot = &pipeline->slots[0];
    cgv_picture picture = picture_of(slot->out);
    cgv_status status = cgv_translator_receive(pipeline->translator, &picture);
    if (status)
        return failed_at(pipeline, pipeline->translated, status);
    take_time(pipeline, av_gettime_relative() - slot->sent);
    cgv_blackness_note(&pipeline->blackness, slot->bright, slot->bright && cgv_black(slot->out));
    if (slot->in && cgv_colour_keeps_alpha(slot->in, slot->out->format))
        cgv_colour_copy_alpha(slot->out, slot->in);
    cgv_item item = {.kind = CGV_ITEM_FRAME,
                     .frame = slot->out,
                     .before = slot->in,
                     .repeat = slot->repeat,
                     .begins = slot->begins,
                     .state = slot->state};
    pipeline->translated++;
    pipeline->in_flight--;
    for (int i = 0; i < pipeline->in_flight; i++)
        pipeline->slots[i] = pipeline->slots[i + 1];
    return hand_out(pipeline, item);
}

static cgv_status receive_all(cgv_pipeline *pipeline) {
    cgv_status status = CGV_OK;
    while (!status && pipeline->in_flight)
        status = receive(pipeline);
    return status;
}

// The translator for this frame and for what is wanted now.
static cgv_status suit_translator(cgv_pipeline *pipeline, const AVFrame *in) {
    cgv_translator_params wanted = pipeline->made;
    wanted.strength = atomic_load(&pipeline->strength);
    if (pipeline->params.auto_height)
        wanted.net_height = pipeline->ladder.height;
    if (cgv_colour_same(in, pipeline->format) && wanted.strength == pipeline->made.strength &&
        wanted.net_height == pipeline->made.net_height)
        return CGV_OK;
    int before = pipeline->translated ? pipeline->made.net_height : 0;
    cgv_status status = receive_all(pipeline);
    pipeline->made = wanted;
    if (!status)
        status = cgv_pipeline_make_translator(pipeline, in);
    if (status != CGV_ERROR_DEVICE_MEMORY || !pipeline->params.auto_height ||
        wanted.net_height <= before || !before)
        return status;
    cgv_ladder_limit(&pipeline->ladder, before);
    pipeline->made.net_height = before;
    cgv_log(CGV_LOG_WARNING, "quality: so the network stays at a height of %d", before);
    return cgv_pipeline_make_translator(pipeline, in);
}

static cgv_status send(cgv_pipeline *pipeline, const AVFrame *in) {
    cgv_picture picture = picture_of(in);
    cgv_status status = cgv_translator_send(pipeline->translator, &picture);
    bool failed = status && status != CGV_AGAIN;
    return failed ? failed_at(pipeline, pipeline->translated + pipeline->in_flight, status)
                  : status;
}

// The frame that is to be sent next may begin a segment.
static cgv_status begin_segment(cgv_pipeline *pipeline, cgv_pipeline_slot *slot,
                                const AVFrame *in) {
    bool first = pipeline->segments.segment < 0;
    slot->begins = cgv_segments_begin(&pipeline->segments, in);
    if (!slot->begins)
        return CGV_OK;
    if (first)
        return cgv_segments_restore(&pipeline->segments, pipeline->translator);
    cgv_status status = receive_all(pipeline);
    return status ? status : cgv_segments_save(&slot->state, pipeline->translator);
}

static cgv_status translate_frame(cgv_pipeline *pipeline, const cgv_item *item) {
    const AVFrame *in = item->frame;
    cgv_status status = suit_translator(pipeline, in);
    if (status)
        return status;
    cgv_pipeline_slot slot = {.out = output_frame(pipeline, in),
                              .repeat = item->repeat,
                              .bright = cgv_bright(in),
                              .sent = av_gettime_relative()};
    bool keep =
        pipeline->params.show || cgv_colour_keeps_alpha(in, pipeline->params.format->format);
    if (keep)
        slot.in = av_frame_clone(in);
    status = !slot.out || (keep && !slot.in) ? out_of_memory() : begin_segment(pipeline, &slot, in);
    if (status) {
        cgv_pipeline_free_slot(&slot);
        return status;
    }
    while ((status = send(pipeline, in)) == CGV_AGAIN) {
        status = receive(pipeline);
        if (status)
            break;
    }
    if (status)
        cgv_pipeline_free_slot(&slot);
    else
        pipeline->slots[pipeline->in_flight++] = slot;
    // The next frame comes when it likes: this one does not wait for it, unless asked to.
    bool waits = !pipeline->params.live || pipeline->made.batch > 1;
    return status || waits ? status : receive_all(pipeline);
}

cgv_status cgv_pipeline_translate(cgv_pipeline *pipeline) {
    for (;;) {
        cgv_item item;
        cgv_status status = cgv_queue_pop(pipeline->decoded, &item);
        if (status)
            return status;
        if (item.kind == CGV_ITEM_PACKET) {
            status = hand_out(pipeline, item);
        } else if (item.kind == CGV_ITEM_FRAME) {
            status = translate_frame(pipeline, &item);
            cgv_item_free(&item);
        } else {
            status = receive_all(pipeline);
            if (!status)
                cgv_blackness_judge(&pipeline->blackness);
            return status ? status : hand_out(pipeline, item);
        }
        if (status)
            return status;
    }
}

#include "video/sink.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <libavutil/time.h>

#include "base/fs.h"
#include "video/av.h"
#include "video/encoder.h"
#include "video/files.h"
#include "video/latency.h"
#include "video/live.h"

enum { LIVE_INTERLEAVING = 200000 }; // microseconds

struct cgv_sink {
    const char *url; // for messages
    AVFormatContext *output;
    cgv_files *files; // that the muxer opens itself; NULL: it opens none
    AVStream *video;
    cgv_encoder encoder;
    AVPacket *packet;
    cgv_track *tracks; // by input stream
    int streams;
    int64_t *last_dts; // by output stream
    char *path, *part; // the regular file, and the name that it has until it is whole
    bool single;       // one picture, not a sequence
    bool playlist;     // the URL is that of a list of segments
    bool finished;
    bool cut;          // the source sends a little sound from before the beginning
    bool from_zero;    // nothing says when a stream begins
    int64_t slip;      // microseconds that the clock of such a container moves the video
    bool drop_discard; // the container cannot say that a packet is not to be presented
    bool live;
    cgv_sink_params params; // to begin the encoder anew in segments
    const cgv_source_info *source;
    bool fresh;                 // the encoder has seen no frame
    cgv_packets_writer segment; // at hand
    const atomic_bool *stop;    // while it is being opened
    atomic_bool abandoned;
    atomic_int_fast64_t waiting_since; // av_gettime_relative; 0: for nobody
    cgv_latency latency;
    atomic_int_fast64_t frames, bytes, time;
};

static int interrupted(void *opaque) {
    cgv_sink *sink = opaque;
    return atomic_load(&sink->abandoned) || (sink->stop && atomic_load(sink->stop));
}

char *cgv_sink_regular_file(const char *url) {
    if (!strcmp(url, "-"))
        return NULL;
    const char *protocol = avio_find_protocol_name(url);
    if (!protocol || strcmp(protocol, "file"))
        return NULL;
    av_strstart(url, "file:", &url);
    struct stat st;
    return stat(url, &st) || S_ISREG(st.st_mode) ? strdup(url) : NULL;
}

static cgv_status choose_muxer(const AVOutputFormat **out, const cgv_sink_params *params) {
    *out = av_guess_format(params->format, params->format ? NULL : params->url, NULL);
    if (!*out && !params->format)
        *out = cgv_live_muxer(params->url);
    if (*out)
        return CGV_OK;
    return params->format ? cgv_fail(CGV_ERROR_ARGUMENT, "%s: no such output format: -f %s",
                                     params->url, params->format)
                          : cgv_fail(CGV_ERROR_ARGUMENT,
                                     "%s: cannot tell the container from the name: add -f FORMAT",
                                     params->url);
}

static cgv_status choose_encoder(const AVCodec **out, const AVOutputFormat *muxer,
                                 const cgv_sink_params *params) {
    if (params->codec) {
        *out = avcodec_find_encoder_by_name(params->codec);
        const AVCodecDescriptor *named =
            *out ? NULL : avcodec_descriptor_get_by_name(params->codec);
        if (named)
            *out = avcodec_find_encoder(named->id);
        if (*out && (*out)->type == AVMEDIA_TYPE_VIDEO)
            return CGV_OK;
        return cgv_fail(CGV_ERROR_ARGUMENT, "encode: no such video encoder: -c:v %s",
                        params->codec);
    }
    enum AVCodecID id = av_guess_codec(muxer, NULL, params->url, NULL, AVMEDIA_TYPE_VIDEO);
    bool h264 = av_match_name("tee", muxer->name) ||
                (params->live && av_match_name(muxer->name, "mpegts,flv,rtsp,rtp_mpegts"));
    if (h264 && avcodec_find_encoder(AV_CODEC_ID_H264)) // libav's own choice for them is older
        id = AV_CODEC_ID_H264;
    *out = avcodec_find_encoder(id);
    if (*out)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_UNSUPPORTED, "encode: this FFmpeg has no video encoder for %s",
                    muxer->name);
}

static bool is_picture_muxer(const AVOutputFormat *muxer) {
    return av_match_name("image2", muxer->name);
}

static bool segmented(const cgv_sink *sink) {
    return sink->params.segmented;
}

// Segments are pieces of one file, and any of its pictures may be the first of one: these coders
// make one picture that moves.
static cgv_status check_segmented(const cgv_sink *sink, const AVOutputFormat *muxer,
                                  const AVCodec *codec) {
    bool animation = codec->id == AV_CODEC_ID_GIF || codec->id == AV_CODEC_ID_APNG ||
                     codec->id == AV_CODEC_ID_WEBP || strstr(codec->name, "_anim");
    if (sink->single || !sink->part)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: mux: -segment_time needs an output that is one file, not %s",
                        sink->url, is_picture_muxer(muxer) ? "pictures" : muxer->name);
    return animation ? cgv_fail(CGV_ERROR_ARGUMENT,
                                "encode: an animation by %s cannot be made in segments: leave out "
                                "-segment_time, or choose another -c:v",
                                codec->name)
                     : CGV_OK;
}

// Where to write: the part name of a regular file, or the very URL.
static cgv_status choose_name(cgv_sink *sink, const AVOutputFormat *muxer) {
    sink->single = is_picture_muxer(muxer) && !av_filename_number_test(sink->url);
    sink->playlist = av_match_name("hls", muxer->name) || av_match_name("dash", muxer->name);
    if (muxer->flags & AVFMT_NOFILE && !sink->single)
        return CGV_OK;
    sink->path = cgv_sink_regular_file(sink->url);
    if (!sink->path)
        return CGV_OK;
    sink->part = segmented(sink) ? strdup(sink->params.segmented) : cgv_fs_part_name(sink->path);
    return sink->part ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", sink->url);
}

static cgv_status open_muxer(cgv_sink *sink, const AVOutputFormat *muxer) {
    const char *name = sink->part ? sink->part : strcmp(sink->url, "-") ? sink->url : "pipe:1";
    int error = avformat_alloc_output_context2(&sink->output, (AVOutputFormat *)muxer, NULL, name);
    if (error < 0)
        return cgv_av_fail(error, "%s: mux", sink->url);
    sink->output->interrupt_callback = (AVIOInterruptCB){interrupted, sink};
    if (sink->live) // pictures do not wait for sound or subtitles that do not come; options may
                    // differ
        sink->output->max_interleave_delta = LIVE_INTERLEAVING;
    // Those that tee opens it watches itself, and an option says which of them may fail.
    if (muxer->flags & AVFMT_NOFILE && !av_match_name("tee", muxer->name))
        return cgv_files_watch(&sink->files, sink->output);
    return CGV_OK;
}

// Apple's players take HEVC in mp4 and mov by the name hvc1 only.
static void set_tag(AVCodecParameters *codec, const char *name, const AVOutputFormat *muxer) {
    bool mov = av_match_name("mp4", muxer->name) || av_match_name("mov", muxer->name);
    if (!name && mov && codec->codec_id == AV_CODEC_ID_HEVC)
        name = "hvc1";
    if (!name)
        return;
    char text[5];
    snprintf(text, sizeof text, "%-4s", name);
    codec->codec_tag = MKTAG(text[0], text[1], text[2], text[3]);
}

// Sound that is encoded anew follows.
static void measure_slip(cgv_sink *sink, const AVFrame *first) {
    AVRational base = sink->encoder.context->time_base;
    int64_t tick = av_rescale_q(first->pts, first->time_base, base);
    if (sink->from_zero)
        sink->slip = av_rescale_q(tick, base, AV_TIME_BASE_Q) -
                     av_rescale_q(first->pts, first->time_base, AV_TIME_BASE_Q);
}

static cgv_status set_up_video(cgv_sink *sink, const cgv_sink_params *params,
                               const cgv_source_info *source) {
    const AVCodecContext *context = sink->encoder.context;
    int error = avcodec_parameters_from_context(sink->video->codecpar, context);
    if (error < 0)
        return cgv_av_fail(error, "%s: mux", sink->url);
    sink->video->time_base = context->time_base;
    sink->video->sample_aspect_ratio = context->sample_aspect_ratio;
    sink->video->avg_frame_rate = context->framerate;
    set_tag(sink->video->codecpar, params->tag, sink->output->oformat);
    if (context->framerate.num && av_cmp_q(context->framerate, source->rate) == 0)
        sink->video->r_frame_rate = source->video->r_frame_rate;
    return cgv_carry_shown(sink->video, source->video, sink->output->oformat);
}

// Empty edits, by which mp4 delays a video that starts late, count in the movie's time scale: with
// the default of milliseconds the timestamps would be rounded to it. Sound must divide it as well.
static void set_movie_clock(const cgv_sink *sink, const cgv_source_info *source,
                            AVDictionary **options) {
    const AVClass *class = sink->output->oformat->priv_class;
    if (source->first->pts <= 0 || !class ||
        !av_opt_find(&class, "movie_timescale", NULL, 0, AV_OPT_SEARCH_FAKE_OBJ))
        return;
    int64_t scale = sink->encoder.context->time_base.den;
    for (unsigned i = 0; i < sink->output->nb_streams; i++) {
        int64_t rate = sink->output->streams[i]->codecpar->sample_rate;
        int64_t common = rate > 0 ? scale / av_gcd(scale, rate) * rate : scale;
        if (common <= INT32_MAX)
            scale = common;
    }
    av_dict_set_int(options, "movie_timescale", scale, 0);
}

static cgv_status write_header(cgv_sink *sink, const cgv_sink_params *params,
                               const cgv_source_info *source) {
    AVDictionary *options = NULL;
    set_movie_clock(sink, source, &options);
    if (params->options)
        av_dict_copy(&options, params->options->format, 0);
    cgv_av_clear_error();
    int error = 0;
    if (!(sink->output->oformat->flags & AVFMT_NOFILE))
        error = avio_open2(&sink->output->pb, sink->output->url, AVIO_FLAG_WRITE,
                           &sink->output->interrupt_callback, NULL);
    if (error < 0) {
        av_dict_free(&options);
        return cgv_av_fail(error, "%s: mux: cannot create", sink->url);
    }
    if (sink->single)
        av_dict_set(&options, "update", "1", 0); // the name is no pattern
    // What a stream of the input is in already is no experiment.
    sink->output->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    error = avformat_write_header(sink->output, &options);
    sink->stop = NULL; // from here on it is finished, not given up
    cgv_status status = CGV_OK;
    if (error == AVERROR(ENOENT) && av_match_name("v4l2", sink->output->oformat->name))
        status = cgv_live_no_device(sink->url);
    else if (error < 0)
        status =
            cgv_av_fail(error, "%s: mux: cannot write %s", sink->url, sink->output->oformat->name);
    else if (params->options)
        status =
            cgv_av_options_check(params->options, sink->encoder.unused, options,
                                 sink->encoder.context->codec->name, sink->output->oformat->name);
    av_dict_free(&options);
    return status;
}

static cgv_status add_streams(cgv_sink *sink, const cgv_sink_params *params,
                              const cgv_source_info *source) {
    cgv_status status =
        cgv_carry_streams(sink->output, &sink->video, sink->tracks, &params->carry, source);
    if (status)
        return status;
    sink->last_dts = malloc(sink->output->nb_streams * sizeof *sink->last_dts);
    if (!sink->last_dts)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", sink->url);
    for (unsigned i = 0; i < sink->output->nb_streams; i++)
        sink->last_dts[i] = AV_NOPTS_VALUE;
    return cgv_carry_metadata(sink->output, source);
}

cgv_status cgv_sink_open(cgv_sink **out, const cgv_sink_params *params,
                         const cgv_source_info *source) {
    *out = NULL;
    const AVOutputFormat *muxer;
    const AVCodec *codec;
    cgv_status status = choose_muxer(&muxer, params);
    if (!status)
        status = choose_encoder(&codec, muxer, params);
    if (status)
        return status;
    cgv_sink *sink = calloc(1, sizeof *sink);
    int streams = (int)source->input->nb_streams;
    if (!sink || !(sink->tracks = calloc((size_t)streams, sizeof *sink->tracks)) ||
        !(sink->packet = av_packet_alloc())) {
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
        goto fail;
    }
    sink->url = params->url;
    sink->live = params->live;
    sink->params = *params;
    sink->source = source;
    sink->fresh = true;
    sink->stop = params->stop;
    cgv_latency_init(&sink->latency);
    sink->streams = streams;
    sink->cut = source->cut;
    sink->from_zero = cgv_carry_begins_at_zero(muxer);
    sink->drop_discard = !av_match_name("mov", muxer->name) && !av_match_name("mp4", muxer->name);
    status = choose_name(sink, muxer);
    if (!status && segmented(sink))
        status = check_segmented(sink, muxer, codec);
    if (!status)
        status = open_muxer(sink, muxer);
    if (!status)
        status = add_streams(sink, params, source);
    if (!status)
        status = cgv_encoder_open(&sink->encoder, codec, muxer, params, source);
    if (!status) {
        measure_slip(sink, source->first);
        status = set_up_video(sink, params, source);
    }
    if (!status)
        status = write_header(sink, params, source);
    if (status)
        goto fail;
    *out = sink;
    return CGV_OK;
fail:
    cgv_sink_close(&sink);
    return status;
}

const AVFrame *cgv_sink_format(const cgv_sink *sink) {
    return sink->encoder.format;
}

AVRational cgv_sink_rate(const cgv_sink *sink) {
    return sink->encoder.rate;
}

const char *cgv_sink_part(const cgv_sink *sink) {
    return sink->part;
}

// Muxers refuse decoding times that are missing or do not advance, as damaged inputs and coarse
// clocks have them.
static void mend_times(cgv_sink *sink, AVPacket *packet) {
    int flags = sink->output->oformat->flags;
    int64_t *last = &sink->last_dts[packet->stream_index];
    if (flags & AVFMT_NOTIMESTAMPS)
        return;
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = packet->pts;
    int64_t least = *last == AV_NOPTS_VALUE ? INT64_MIN : *last + !(flags & AVFMT_TS_NONSTRICT);
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = *last == AV_NOPTS_VALUE ? 0 : least;
    packet->dts = FFMAX(packet->dts, least);
    if (packet->pts == AV_NOPTS_VALUE || packet->pts < packet->dts)
        packet->pts = packet->dts;
    *last = packet->dts;
}

// Sound that primes its decoder, in a container where it would be heard, and move the rest.
static bool comes_too_early(const cgv_sink *sink, const AVPacket *packet) {
    const AVStream *stream = sink->output->streams[packet->stream_index];
    return sink->from_zero && stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
           packet->pts != AV_NOPTS_VALUE && packet->pts + packet->duration / 2 < 0;
}

// Around what blocks while nobody reads.
static void begin_waiting(cgv_sink *sink) {
    if (!sink->part && !sink->single)
        atomic_store(&sink->waiting_since, av_gettime_relative());
}

static void end_waiting(cgv_sink *sink) {
    atomic_store(&sink->waiting_since, 0);
}

// `error`, or what befell the files that the muxer opens itself.
static int file_error(const cgv_sink *sink, int error) {
    int broken = sink->files ? cgv_files_error(sink->files) : 0;
    if (broken >= 0)
        return error;
    cgv_av_clear_error(); // the muxer complains that the file, which was deleted, is not there
    return broken;
}

static cgv_status mux(cgv_sink *sink, AVPacket *packet) {
    if (comes_too_early(sink, packet)) {
        av_packet_unref(packet);
        return CGV_OK;
    }
    int64_t delay = cgv_av_mux_delay(sink->output, sink->output->streams[packet->stream_index]);
    packet->pts += packet->pts == AV_NOPTS_VALUE ? 0 : delay;
    packet->dts += packet->dts == AV_NOPTS_VALUE ? 0 : delay;
    mend_times(sink, packet);
    cgv_av_clear_error();
    begin_waiting(sink);
    int error = av_interleaved_write_frame(sink->output, packet);
    end_waiting(sink);
    error = file_error(sink, error);
    if (error < 0 && atomic_load(&sink->abandoned))
        return CGV_ERROR_INTERRUPTED;
    if (error < 0)
        return cgv_av_fail(error, "%s: mux: cannot write", sink->url);
    if (sink->output->pb)
        atomic_store(&sink->bytes, avio_tell(sink->output->pb));
    return CGV_OK;
}

cgv_status cgv_sink_write_encoded(cgv_sink *sink, AVPacket *packet) {
    av_packet_rescale_ts(packet, sink->encoder.context->time_base, sink->video->time_base);
    packet->stream_index = sink->video->index;
    if (!sink->output->pb)
        atomic_fetch_add(&sink->bytes, packet->size);
    return mux(sink, packet);
}

static cgv_status keep_encoded(cgv_sink *sink, AVPacket *packet) {
    cgv_status status = cgv_packets_write(&sink->segment, packet);
    atomic_fetch_add(&sink->bytes, packet->size);
    av_packet_unref(packet);
    return status;
}

static cgv_status take_encoded(cgv_sink *sink) {
    cgv_status status;
    int64_t captured;
    while (!(status = cgv_encoder_receive(&sink->encoder, sink->packet, &captured))) {
        status = segmented(sink) ? keep_encoded(sink, sink->packet)
                                 : cgv_sink_write_encoded(sink, sink->packet);
        if (status)
            return status;
        if (captured)
            cgv_latency_add(&sink->latency, av_gettime_relative() - captured);
    }
    return status == CGV_AGAIN || status == CGV_END ? CGV_OK : status;
}

static cgv_status encode(cgv_sink *sink, const AVFrame *picture, int64_t pts) {
    AVFrame *frame = av_frame_clone(picture);
    if (!frame)
        return cgv_fail(CGV_ERROR_MEMORY, "encode: out of memory");
    frame->pts = pts;
    sink->fresh = false;
    cgv_status status = cgv_encoder_send(&sink->encoder, frame);
    return status ? status : take_encoded(sink);
}

static cgv_status write_frame(cgv_sink *sink, cgv_item *item) {
    int64_t frames = atomic_load(&sink->frames) + item->repeat;
    if (sink->single && frames > 1)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: mux: there is more than one frame: name the pictures by a pattern "
                        "like out%%03d.png, or shorten with -t",
                        sink->url);
    int64_t pts = item->frame->pts, duration = cgv_av_frame_duration(item->frame);
    cgv_status status = CGV_OK;
    if (sink->from_zero && frames == item->repeat && pts > 0) {
        // The first picture is shown until the second one's time.
        status = encode(sink, item->frame, 0);
        if (sink->encoder.rate.num) {
            item->repeat += (int)pts - 1;
            pts = 1;
        }
    }
    for (int i = 0; !status && i < item->repeat; i++)
        status = encode(sink, item->frame, pts + i * duration);
    if (status)
        return status;
    // Counted before the encoder's delay, so that the time left can be told from the start.
    atomic_store(&sink->frames, frames);
    atomic_store(&sink->time, av_rescale_q(pts + item->repeat * duration, item->frame->time_base,
                                           AV_TIME_BASE_Q));
    return CGV_OK;
}

static cgv_status mux_reencoded(cgv_sink *sink, cgv_track *track, const AVPacket *packet) {
    AVPacket *out = sink->packet;
    cgv_status status = cgv_reencode_send(track->reencode, packet);
    while (!status && !(status = cgv_reencode_receive(track->reencode, out))) {
        av_packet_rescale_ts(out, out->time_base, sink->output->streams[track->index]->time_base);
        out->stream_index = track->index;
        status = mux(sink, out);
    }
    return status == CGV_AGAIN || status == CGV_END ? CGV_OK : status;
}

static cgv_status write_packet(cgv_sink *sink, AVPacket *packet) {
    cgv_track none = {.index = -1};
    cgv_track *track =
        packet->stream_index < sink->streams ? &sink->tracks[packet->stream_index] : &none;
    if (track->index >= 0 && track->reencode) {
        int64_t slip = av_rescale_q(sink->slip, AV_TIME_BASE_Q, packet->time_base);
        packet->pts += packet->pts == AV_NOPTS_VALUE ? 0 : slip;
        packet->dts += packet->dts == AV_NOPTS_VALUE ? 0 : slip;
        return mux_reencoded(sink, track, packet);
    }
    bool early = sink->cut && packet->pts != AV_NOPTS_VALUE && packet->pts < 0;
    if (track->index < 0 || early || (sink->drop_discard && packet->flags & AV_PKT_FLAG_DISCARD))
        return CGV_OK;
    av_packet_rescale_ts(packet, packet->time_base, sink->output->streams[track->index]->time_base);
    packet->stream_index = track->index;
    packet->pos = -1;
    return mux(sink, packet);
}

static cgv_status drain_encoder(cgv_sink *sink) {
    cgv_status status = cgv_encoder_send(&sink->encoder, NULL);
    return status ? status : take_encoded(sink);
}

cgv_sink_place cgv_sink_get_place(const cgv_sink *sink) {
    cgv_sink_stats stats = cgv_sink_get_stats(sink);
    return (cgv_sink_place){.frames = stats.frames,
                            .time = stats.time,
                            .bytes = stats.bytes,
                            .last_pts = sink->encoder.last_pts};
}

void cgv_sink_set_place(cgv_sink *sink, cgv_sink_place place) {
    atomic_store(&sink->frames, place.frames);
    atomic_store(&sink->time, place.time);
    atomic_store(&sink->bytes, place.bytes);
    sink->encoder.last_pts = place.last_pts;
}

cgv_status cgv_sink_begin_segment(cgv_sink *sink, const char *path) {
    cgv_status status = CGV_OK;
    if (!sink->fresh)
        status =
            cgv_encoder_restart(&sink->encoder, sink->output->oformat, &sink->params, sink->source);
    sink->fresh = true;
    return status ? status : cgv_packets_create(&sink->segment, path, sink->encoder.context);
}

cgv_status cgv_sink_end_segment(cgv_sink *sink, cgv_packets_sum *sum) {
    cgv_status status = drain_encoder(sink);
    sink->fresh = false;
    *sum = sink->segment.sum;
    return status ? status : cgv_packets_commit(&sink->segment);
}

cgv_status cgv_sink_open_segment(cgv_sink *sink, cgv_packets_reader **out, const char *path,
                                 const cgv_packets_sum *sum) {
    return cgv_packets_open(out, path, sum, sink->encoder.context);
}

static cgv_status drain(cgv_sink *sink) {
    cgv_status status = segmented(sink) ? CGV_OK : drain_encoder(sink);
    for (int i = 0; !status && i < sink->streams; i++)
        if (sink->tracks[i].reencode)
            status = mux_reencoded(sink, &sink->tracks[i], NULL);
    return status;
}

cgv_status cgv_sink_write(cgv_sink *sink, cgv_item item) {
    cgv_status status = item.kind == CGV_ITEM_FRAME    ? write_frame(sink, &item)
                        : item.kind == CGV_ITEM_PACKET ? write_packet(sink, item.packet)
                                                       : CGV_OK;
    cgv_item_free(&item);
    return status;
}

// The one of HLS or DASH, which may say already that all of it is there, or that more is to come.
static void remove_playlist(const cgv_sink *sink) {
    bool written = sink->playlist && sink->files && cgv_files_listed(sink->files);
    char *path = written ? cgv_sink_regular_file(sink->url) : NULL;
    if (path)
        unlink(path);
    free(path);
}

cgv_status cgv_sink_finish(cgv_sink *sink) {
    cgv_status status = drain(sink);
    if (!status) {
        cgv_av_clear_error();
        if (sink->output->pb) // muxers that open files themselves may have much to move in them
            begin_waiting(sink);
        int error = av_write_trailer(sink->output);
        if (sink->output->pb && error >= 0) {
            atomic_store(&sink->bytes, avio_size(sink->output->pb));
            avio_flush(sink->output->pb);
            error = sink->output->pb->error;
        }
        if (sink->output->pb && !(sink->output->oformat->flags & AVFMT_NOFILE)) {
            int closed = avio_closep(&sink->output->pb);
            error = error < 0 ? error : closed;
        }
        end_waiting(sink);
        error = file_error(sink, error);
        if (error < 0)
            status = cgv_av_fail(error, "%s: mux: cannot finish", sink->url);
    }
    sink->finished = !status;
    if (status)
        remove_playlist(sink);
    if (!status && sink->part)
        status = cgv_fs_sync(sink->part);
    if (!status && sink->part && rename(sink->part, sink->path)) {
        status = cgv_fail(CGV_ERROR_IO, "%s: mux: cannot rename: %s", sink->url, strerror(errno));
    } else if (!status) {
        free(sink->part);
        sink->part = NULL;
    }
    return status;
}

void cgv_sink_close(cgv_sink **handle) {
    if (!handle || !*handle)
        return;
    cgv_sink *sink = *handle;
    if (sink->output && !(sink->output->oformat->flags & AVFMT_NOFILE))
        avio_closep(&sink->output->pb);
    if (!sink->finished && !sink->live) // what was sent live stays
        remove_playlist(sink);
    if (sink->part && sink->live && atomic_load(&sink->bytes))
        cgv_log(CGV_LOG_WARNING, "%s: not finished: what was recorded is in %s", sink->url,
                sink->part);
    else if (sink->part)
        unlink(sink->part);
    avformat_free_context(sink->output);
    cgv_packets_abort(&sink->segment);
    cgv_files_free(&sink->files);
    cgv_encoder_close(&sink->encoder);
    av_packet_free(&sink->packet);
    for (int i = 0; sink->tracks && i < sink->streams; i++)
        cgv_reencode_close(&sink->tracks[i].reencode);
    free(sink->tracks);
    free(sink->last_dts);
    free(sink->path);
    free(sink->part);
    cgv_latency_destroy(&sink->latency);
    free(sink);
    *handle = NULL;
}

cgv_sink_stats cgv_sink_get_stats(const cgv_sink *sink) {
    cgv_sink *s = (cgv_sink *)sink; // atomic_load takes no const before C17
    return (cgv_sink_stats){.frames = atomic_load(&s->frames),
                            .time = atomic_load(&s->time),
                            .bytes = atomic_load(&s->bytes)};
}

void cgv_sink_abandon(cgv_sink *sink) {
    atomic_store(&sink->abandoned, true);
}

int64_t cgv_sink_waiting(cgv_sink *sink) {
    int64_t since = atomic_load(&sink->waiting_since);
    return since ? av_gettime_relative() - since : 0;
}

int64_t cgv_sink_latency(cgv_sink *sink, double share) {
    return cgv_latency_quantile(&sink->latency, share);
}

const char *cgv_sink_url(const cgv_sink *sink) {
    return sink->url;
}

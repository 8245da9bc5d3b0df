// What an output is to be: muxer, encoder, and where it is written.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/avstring.h>

#include "base/fs.h"
#include "base/log.h"
#include "video/live.h"
#include "video/sink_internal.h"

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

cgv_status cgv_sink_choose_muxer(const AVOutputFormat **out, const cgv_sink_params *params) {
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

cgv_status cgv_sink_choose_encoder(const AVCodec **out, const AVOutputFormat *muxer,
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

// Segments are pieces of one file, and any of its pictures may be the first of one: these coders
// make one picture that moves.
cgv_status cgv_sink_check_segmented(const cgv_sink *sink, const AVOutputFormat *muxer,
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

cgv_status cgv_sink_choose_name(cgv_sink *sink, const AVOutputFormat *muxer) {
    sink->single = is_picture_muxer(muxer) && !av_filename_number_test(sink->url);
    sink->playlist = av_match_name("hls", muxer->name) || av_match_name("dash", muxer->name);
    if (muxer->flags & AVFMT_NOFILE && !sink->single)
        return CGV_OK;
    sink->path = cgv_sink_regular_file(sink->url);
    if (!sink->path)
        return CGV_OK;
    sink->part =
        cgv_sink_segmented(sink) ? strdup(sink->params.segmented) : cgv_fs_part_name(sink->path);
    return sink->part ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", sink->url);
}

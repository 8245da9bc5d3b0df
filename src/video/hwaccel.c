#include "video/hwaccel.h"

#include <string.h>

#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "video/av.h"

static enum AVPixelFormat format_of(const AVCodec *codec, enum AVHWDeviceType type) {
    const AVCodecHWConfig *config;
    for (int i = 0; (config = avcodec_get_hw_config(codec, i)); i++)
        if (config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX &&
            config->device_type == type)
            return config->pix_fmt;
    return AV_PIX_FMT_NONE;
}

// The device's format where the stream's profile allows it, else the first one on the CPU.
static enum AVPixelFormat get_format(AVCodecContext *decoder, const enum AVPixelFormat *list) {
    const AVHWDeviceContext *device = (const AVHWDeviceContext *)decoder->hw_device_ctx->data;
    enum AVPixelFormat wanted = format_of(decoder->codec, device->type);
    for (const enum AVPixelFormat *p = list; *p != AV_PIX_FMT_NONE; p++)
        if (*p == wanted)
            return wanted;
    cgv_log(CGV_LOG_WARNING, "decode: %s cannot decode this stream: decoding on the CPU",
            av_hwdevice_get_type_name(device->type));
    for (; *list != AV_PIX_FMT_NONE; list++)
        if (!(av_pix_fmt_desc_get(*list)->flags & AV_PIX_FMT_FLAG_HWACCEL))
            return *list;
    return AV_PIX_FMT_NONE;
}

static bool try_type(AVCodecContext *decoder, enum AVHWDeviceType type) {
    if (format_of(decoder->codec, type) == AV_PIX_FMT_NONE ||
        av_hwdevice_ctx_create(&decoder->hw_device_ctx, type, NULL, NULL, 0) < 0)
        return false;
    decoder->get_format = get_format;
    cgv_log(CGV_LOG_INFO, "decode: by %s", av_hwdevice_get_type_name(type));
    return true;
}

cgv_status cgv_hwaccel_attach(AVCodecContext *decoder, const char *name) {
    if (!name || !strcmp(name, "none"))
        return CGV_OK;
    bool any = !strcmp(name, "auto");
    enum AVHWDeviceType type = AV_HWDEVICE_TYPE_NONE;
    if (any) {
        while ((type = av_hwdevice_iterate_types(type)) != AV_HWDEVICE_TYPE_NONE)
            if (try_type(decoder, type))
                return CGV_OK;
    } else {
        type = av_hwdevice_find_type_by_name(name);
        if (type == AV_HWDEVICE_TYPE_NONE)
            return cgv_fail(CGV_ERROR_ARGUMENT,
                            "-hwaccel is none, auto, vaapi, cuda, vulkan or another device type of "
                            "this FFmpeg, not '%s'",
                            name);
        if (try_type(decoder, type))
            return CGV_OK;
    }
    cgv_log(any ? CGV_LOG_INFO : CGV_LOG_WARNING,
            "decode: nothing here decodes %s by -hwaccel %s: decoding on the CPU",
            avcodec_get_name(decoder->codec_id), name);
    return CGV_OK;
}

cgv_status cgv_hwaccel_download(AVFrame *frame) {
    if (!frame->hw_frames_ctx)
        return CGV_OK;
    AVFrame *host = av_frame_alloc();
    cgv_av_clear_error();
    int error = host ? av_hwframe_transfer_data(host, frame, 0) : AVERROR(ENOMEM);
    if (error >= 0)
        error = av_frame_copy_props(host, frame);
    if (error >= 0) {
        av_frame_unref(frame);
        av_frame_move_ref(frame, host);
    }
    av_frame_free(&host);
    return error < 0 ? cgv_av_fail(error, "decode: cannot fetch a frame from the device") : CGV_OK;
}

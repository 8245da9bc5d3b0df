#include "video/hdr.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>

#include "base/log.h"

#define USUAL_PEAK 1000.f // nits; of HLG by BT.2100, and what most PQ is graded for

cgv_transfer cgv_hdr_transfer(enum AVColorTransferCharacteristic trc) {
    return trc == AVCOL_TRC_SMPTE2084      ? CGV_TRANSFER_PQ
           : trc == AVCOL_TRC_ARIB_STD_B67 ? CGV_TRANSFER_HLG
                                           : CGV_TRANSFER_SDR;
}

static float peak_of(const AVFrame *frame) {
    const AVFrameSideData *light = av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    const AVFrameSideData *display =
        av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    float peak = USUAL_PEAK;
    if (display) {
        const AVMasteringDisplayMetadata *mastering = (const void *)display->data;
        if (mastering->has_luminance && mastering->max_luminance.den)
            peak = (float)av_q2d(mastering->max_luminance);
    }
    if (light && ((const AVContentLightMetadata *)(const void *)light->data)->MaxCLL)
        peak = (float)((const AVContentLightMetadata *)(const void *)light->data)->MaxCLL;
    // What says less than a little above SDR's white says nothing.
    return peak < CGV_SDR_WHITE + 1 ? USUAL_PEAK : FFMIN(peak, 10000.f);
}

cgv_status cgv_hdr_describe(cgv_colour *colour, const AVFrame *frame) {
    colour->transfer = cgv_hdr_transfer(frame->color_trc);
    colour->gamut = CGV_GAMUT_BT709;
    colour->peak = 0;
    if (colour->transfer == CGV_TRANSFER_SDR)
        return CGV_OK;
    colour->peak = colour->transfer == CGV_TRANSFER_HLG ? USUAL_PEAK : peak_of(frame);
    switch (frame->color_primaries) {
    case AVCOL_PRI_BT2020:
    case AVCOL_PRI_UNSPECIFIED:
    case AVCOL_PRI_RESERVED:
    case AVCOL_PRI_RESERVED0:
        colour->gamut = CGV_GAMUT_BT2020;
        return CGV_OK;
    case AVCOL_PRI_SMPTE432:
        colour->gamut = CGV_GAMUT_P3;
        return CGV_OK;
    case AVCOL_PRI_BT709:
        return CGV_OK;
    default:
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "HDR in primaries %s is not supported (BT.2020, BT.709 and P3 D65 are): "
                        "convert the input first",
                        av_color_primaries_name(frame->color_primaries));
    }
}

cgv_status cgv_hdr_refuse(const char *url, enum AVColorTransferCharacteristic trc) {
    cgv_transfer transfer = cgv_hdr_transfer(trc);
    if (transfer == CGV_TRANSFER_SDR)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_UNSUPPORTED,
                    "%s: decode: the input is HDR (%s), which -hdr refuse refuses; -hdr tonemap "
                    "makes it SDR",
                    url, transfer == CGV_TRANSFER_PQ ? "PQ" : "HLG");
}

void cgv_hdr_strip(AVFrame *frame) {
    static const enum AVFrameSideDataType types[] = {AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
                                                     AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
                                                     AV_FRAME_DATA_DYNAMIC_HDR_PLUS,
                                                     AV_FRAME_DATA_DYNAMIC_HDR_VIVID,
                                                     AV_FRAME_DATA_DOVI_RPU_BUFFER,
                                                     AV_FRAME_DATA_DOVI_METADATA};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        av_frame_remove_side_data(frame, types[i]);
}

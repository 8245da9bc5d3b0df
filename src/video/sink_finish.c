// The end of an output: whole and under its name, or gone.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "video/av.h"
#include "video/sink_internal.h"

static cgv_status drain(cgv_sink *sink) {
    cgv_status status = cgv_sink_segmented(sink) ? CGV_OK : cgv_sink_drain_encoder(sink);
    for (int i = 0; !status && i < sink->streams; i++)
        if (sink->tracks[i].reencode)
            status = cgv_sink_write_reencoded(sink, &sink->tracks[i], NULL);
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
            cgv_sink_begin_waiting(sink);
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
        cgv_sink_end_waiting(sink);
        error = cgv_sink_file_error(sink, error);
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

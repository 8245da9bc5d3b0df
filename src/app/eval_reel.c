#include "app/eval_reel.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/log.h"
#if CGV_FFMPEG
#include "video/av.h"
#include "video/clip.h"
#else
#include "train/jpeg.h"
#include "train/png.h"
#endif

#if CGV_FFMPEG
struct cgv_reel {
    cgv_clip clip;
    cgv_clip_reader *reader;
    bool said; // that a frame is damaged
};

cgv_status cgv_reel_open(cgv_reel **out, const cgv_listed *file) {
    char reason[CGV_REASON];
    cgv_av_log_init(); // what libav says is not for every reader
    cgv_reel *reel = *out = calloc(1, sizeof *reel);
    if (!reel)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", file->path);
    if (cgv_clip_open(&reel->clip, reason, file->path, file->picture, NULL) &&
        cgv_clip_reader_open(&reel->reader, reason, &reel->clip, file->picture ? 1 : 0))
        return CGV_OK;
    cgv_reel_close(out);
    return cgv_fail(CGV_ERROR_FORMAT, "%s: %s", file->path, reason);
}

void cgv_reel_close(cgv_reel **handle) {
    cgv_reel *reel = *handle;
    if (!reel)
        return;
    cgv_clip_reader_close(&reel->reader);
    cgv_clip_close(&reel->clip);
    free(reel);
    *handle = NULL;
}

int cgv_reel_frames(const cgv_reel *reel) {
    return reel->clip.count;
}

double cgv_reel_seconds(const cgv_reel *reel, int frame) {
    return reel->clip.picture ? 0 : cgv_clip_seconds(&reel->clip, frame);
}

cgv_status cgv_reel_read(cgv_reel *reel, cgv_bitmap *out, int frame) {
    char reason[CGV_REASON];
    if (cgv_clip_reader_read(reel->reader, out, reason, frame))
        return CGV_OK;
    if (reel->clip.picture)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: %s", reel->clip.path, reason);
    if (!reel->said)
        cgv_log(CGV_LOG_WARNING, "%s at %.3f s: %s: frames like this are left out", reel->clip.path,
                cgv_clip_seconds(&reel->clip, frame), reason);
    reel->said = true;
    return CGV_AGAIN;
}
#else
enum { LARGEST_FILE = 1 << 30 };

struct cgv_reel {
    const char *path;
};

static bool ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), size = strlen(ending);
    return length > size && !strcasecmp(path + length - size, ending);
}

static cgv_status decode(cgv_bitmap *out, const char *path) {
    void *data;
    size_t size;
    bool jpeg = ends_with(path, ".jpg") || ends_with(path, ".jpeg");
    if (!jpeg && !ends_with(path, ".png"))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: this build has no FFmpeg: it reads JPEG and PNG pictures only", path);
    cgv_status status = cgv_fs_read(&data, &size, path, LARGEST_FILE);
    if (status)
        return status;
    status = jpeg ? cgv_jpeg_decode(out, data, size, path) : cgv_png_decode(out, data, size, path);
    free(data);
    return status;
}

cgv_status cgv_reel_open(cgv_reel **out, const cgv_listed *file) {
    cgv_reel *reel = *out = calloc(1, sizeof *reel);
    if (!reel)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", file->path);
    reel->path = file->path;
    return CGV_OK;
}

void cgv_reel_close(cgv_reel **reel) {
    free(*reel);
    *reel = NULL;
}

int cgv_reel_frames(const cgv_reel *reel) {
    (void)reel;
    return 1;
}

double cgv_reel_seconds(const cgv_reel *reel, int frame) {
    (void)reel;
    (void)frame;
    return 0;
}

cgv_status cgv_reel_read(cgv_reel *reel, cgv_bitmap *out, int frame) {
    (void)frame;
    return decode(out, reel->path);
}
#endif

// Files that a muxer opens itself, as those of picture sequences and of HLS: such muxers do not
// look whether what they wrote has arrived. Here it is looked at, and a file that is not whole is
// deleted.
#ifndef CGV_VIDEO_FILES_H
#define CGV_VIDEO_FILES_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "cgvideo/status.h"

typedef struct cgv_files cgv_files;

// Before the header of `output` is written. Free it after `output`.
CGV_NODISCARD cgv_status cgv_files_watch(cgv_files **out, AVFormatContext *output);

// The AVERROR of the first file that was not written whole; 0: there is none.
int cgv_files_error(cgv_files *files);

// Whether the output's own name was written to: a playlist, which lists what else is.
bool cgv_files_listed(cgv_files *files);

void cgv_files_free(cgv_files **files); // NULL-safe

#endif

// A picture or a video file of a side of cgvideo eval. Without FFmpeg: JPEG and PNG pictures.
#ifndef CGV_APP_EVAL_REEL_H
#define CGV_APP_EVAL_REEL_H

#include "train/bitmap.h"
#include "train/listing.h"

typedef struct cgv_reel cgv_reel;

// The listing must outlive the reel.
CGV_NODISCARD cgv_status cgv_reel_open(cgv_reel **out, const cgv_listed *file);
void cgv_reel_close(cgv_reel **reel);

int cgv_reel_frames(const cgv_reel *reel);
double cgv_reel_seconds(const cgv_reel *reel, int frame);

// Frames in ascending order are not decoded twice. CGV_AGAIN: this frame of a video is damaged,
// which has been said once; others may do.
CGV_NODISCARD cgv_status cgv_reel_read(cgv_reel *reel, cgv_bitmap *out, int frame);

#endif

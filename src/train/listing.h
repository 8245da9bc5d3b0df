// The pictures and videos that a -a or -b names.
#ifndef CGV_TRAIN_LISTING_H
#define CGV_TRAIN_LISTING_H

#include <stdbool.h>

#include "cgvideo/status.h"

typedef struct cgv_listed {
    char *path;
    bool picture; // by the ending of its name; else taken for a video
} cgv_listed;

typedef struct cgv_listing {
    cgv_listed *files;
    int count, room;
} cgv_listing;

// Each of `specs` names a file, a folder (the pictures and videos in it, by their endings, sorted;
// not those in folders within), a glob, or several of these with commas between. In this order.
// CGV_ERROR_ARGUMENT where one of them matches nothing.
CGV_NODISCARD cgv_status cgv_listing_create(cgv_listing *out, const char *const *specs, int count);
void cgv_listing_free(cgv_listing *listing);

#endif

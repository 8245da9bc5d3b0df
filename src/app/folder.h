// Making folders.
#ifndef CGV_APP_FOLDER_H
#define CGV_APP_FOLDER_H

#include "cgvideo/status.h"

// Fine if it is there already.
CGV_NODISCARD cgv_status cgv_make_folder(const char *path);
// With its parents, as mkdir -p.
CGV_NODISCARD cgv_status cgv_make_folders(const char *path);

#endif

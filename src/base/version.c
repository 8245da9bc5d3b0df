#include "cgvideo/cgvideo.h"

const char *cgv_version(void) {
    return CGV_VERSION;
}

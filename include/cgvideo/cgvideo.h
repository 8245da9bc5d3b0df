// cgvideo: real-time video domain translation with CycleGAN on Vulkan. All public headers.
#ifndef CGVIDEO_CGVIDEO_H
#define CGVIDEO_CGVIDEO_H

#include "device.h"
#include "log.h"
#include "model.h"
#include "picture.h"
#include "status.h"
#include "translator.h"

#ifdef __cplusplus
extern "C" {
#endif

// "MAJOR.MINOR.PATCH"; static storage.
const char *cgv_version(void);

#ifdef __cplusplus
}
#endif
#endif

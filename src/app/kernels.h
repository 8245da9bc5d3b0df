// The kernels that were chosen by measuring, as part of what a run writes down, so that whoever
// goes on with it takes the same ones.
#ifndef CGV_APP_KERNELS_H
#define CGV_APP_KERNELS_H

#include <jansson.h>

#include "cgvideo/device.h"

// Those that this process took, by layer; NULL when out of memory.
json_t *cgv_kernels_taken(cgv_device *device);

// Take these, before a network is made ready; NULL: nothing was written down. `where` names the
// file in messages.
CGV_NODISCARD cgv_status cgv_kernels_take(cgv_device *device, const json_t *kernels,
                                          const char *where);

#endif

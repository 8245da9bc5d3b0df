#include "app/kernels.h"

#include <stdlib.h>

#include "app/app.h"
#include "base/log.h"
#include "gpu/gpu.h"

const char *const cgv_app_kernels_names[] = {"rules", "auto", "direct", "winograd", NULL};

json_t *cgv_kernels_taken(cgv_device *device) {
    cgv_note *notes;
    int count;
    if (cgv_notes_used(device, &notes, &count))
        return NULL;
    json_t *kernels = json_object();
    bool all = kernels;
    for (int i = 0; i < count && all; i++)
        all = !json_object_set_new(kernels, notes[i].name, json_string(notes[i].text));
    free(notes);
    if (!all)
        json_decref(kernels);
    return all ? kernels : NULL;
}

cgv_status cgv_kernels_take(cgv_device *device, const json_t *kernels, const char *where) {
    const char *layer;
    json_t *kernel;
    cgv_status status = CGV_OK;
    json_object_foreach ((json_t *)kernels, layer, kernel) {
        const char *name = json_string_value(kernel);
        status =
            name ? cgv_notes_put(device, layer, name, true)
                 : cgv_fail(CGV_ERROR_FORMAT, "%s: the kernel of '%s' is no name", where, layer);
        if (status)
            break;
    }
    return status;
}

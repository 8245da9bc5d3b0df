#include "app/input_identity.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <libavutil/avstring.h>

#include "app/text.h"
#include "base/log.h"

// Says nothing. CGV_ERROR_ARGUMENT: it is not a file.
static cgv_status look(json_t **out, const char *url) {
    struct stat st;
    const char *name = url;
    *out = NULL;
    av_strstart(url, "file:", &name);
    char *path = realpath(name, NULL);
    cgv_status status =
        path && !stat(path, &st) && S_ISREG(st.st_mode) ? CGV_OK : CGV_ERROR_ARGUMENT;
    if (!status) {
        int64_t time = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        *out =
            json_pack("{so sI sI}", "path of the input", cgv_text_json(path), "size of the input",
                      (json_int_t)st.st_size, "time of the input", (json_int_t)time);
        status = *out ? CGV_OK : CGV_ERROR_MEMORY;
    }
    free(path);
    return status;
}

static cgv_status no_memory(const char *url) {
    return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", url);
}

cgv_status cgv_input_describe(json_t **out, const char *url) {
    cgv_status status = look(out, url);
    if (status == CGV_ERROR_ARGUMENT)
        return cgv_fail(status,
                        "%s: -segment_time needs an input that is a file: it is read again for "
                        "sound and subtitles, and by -resume",
                        url);
    return status ? no_memory(url) : CGV_OK;
}

cgv_status cgv_input_check(const json_t *was, const char *url) {
    json_t *is;
    cgv_status status = look(&is, url);
    bool same = !status && json_equal(was, is);
    json_decref(is);
    if (same)
        return CGV_OK;
    return status == CGV_ERROR_MEMORY
               ? no_memory(url)
               : cgv_fail(CGV_ERROR_FORMAT,
                          "%s: it changed while the job ran: delete the folder of segments and "
                          "begin anew",
                          url);
}

#include "app/translate_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/avstring.h>

#include "app/model_path.h"
#include "base/crc32c.h"
#include "base/log.h"

bool cgv_translate_segmented(const cgv_translate_options *o) {
    return o->outputs.count && o->outputs.list[0].segment;
}

bool cgv_translate_resumes(const cgv_translate_options *o) {
    char *path = o->resume ? cgv_sink_regular_file(o->outputs.list[0].device) : NULL;
    bool resumes = path && cgv_job_exists(path);
    free(path);
    return resumes;
}

static cgv_status no_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "journal: out of memory");
}

// Names of files are bytes, JSON is UTF-8.
static json_t *json_name(const char *name) {
    json_t *text = json_string(name);
    if (text)
        return text;
    size_t length = strlen(name), used = 0;
    char *escaped = malloc(4 * length + 1);
    for (size_t i = 0; escaped && i <= length; i++)
        used += (size_t)sprintf(escaped + used, name[i] & 0x80 ? "\\x%02x" : "%c",
                                (unsigned char)name[i]);
    text = escaped ? json_string(escaped) : NULL;
    free(escaped);
    return text;
}

static cgv_status describe_input(json_t **out, const char *url) {
    struct stat st;
    const char *name = url;
    av_strstart(url, "file:", &name);
    char *path = realpath(name, NULL);
    if (!path || stat(path, &st) || !S_ISREG(st.st_mode)) {
        free(path);
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: -segment_time needs an input that is a file: it is read again for "
                        "sound and subtitles, and by -resume",
                        url);
    }
    int64_t time = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    *out = json_pack("{so sI sI}", "path of the input", json_name(path), "size of the input",
                     (json_int_t)st.st_size, "time of the input", (json_int_t)time);
    free(path);
    return *out ? CGV_OK : no_memory();
}

// The checksum of a model's file; 0 of one that is built in.
static cgv_status sum_model(uint32_t *crc, const char *name) {
    char *path, buffer[1 << 16];
    size_t size;
    *crc = 0;
    cgv_status status = cgv_model_find(&path, name);
    FILE *file = status || !strcmp(path, "identity") ? NULL : fopen(path, "rb");
    while (file && (size = fread(buffer, 1, sizeof buffer, file)))
        *crc = cgv_crc32c(*crc, buffer, size);
    if (!status && strcmp(path, "identity") && (!file || ferror(file)))
        status = cgv_fail(CGV_ERROR_IO, "%s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    free(path);
    return status;
}

// Whatever the output's frames and packets depend on.
static cgv_status describe(json_t **out, const cgv_translate_options *o, const cgv_device *device) {
    json_t *input = NULL, *options = NULL;
    uint32_t model;
    *out = NULL;
    cgv_status status = describe_input(&input, o->input);
    if (!status)
        status = sum_model(&model, o->model);
    if (!status && !(options = cgv_translate_config(o)))
        status = cgv_fail(CGV_ERROR_ARGUMENT, "-segment_time notes all options, and one of them "
                                              "is no text in UTF-8");
    if (!status) {
        const cgv_device_info *info = cgv_device_get_info(device);
        *out =
            json_pack("{ss ss so ss ss sI so}", "version", cgv_version(), "FFmpeg",
                      av_version_info(), "input", input, "device", info->name, "driver",
                      info->driver, "checksum of the model", (json_int_t)model, "options", options);
        return *out ? CGV_OK : no_memory();
    }
    json_decref(input);
    return status;
}

cgv_status cgv_translate_job_open(cgv_job **out, const cgv_translate_options *o,
                                  const cgv_source_params *source, const cgv_source_info *info,
                                  const cgv_device *device) {
    const cgv_output_options *output = &o->outputs.list[0];
    *out = NULL;
    if (info->live || o->paced)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: -segment_time is not for live inputs: what is lost of them cannot be "
                        "read again",
                        o->input);
    char *path = cgv_sink_regular_file(output->device);
    if (!path)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: -segment_time needs an output that is a file",
                        output->url);
    json_t *identity;
    cgv_status status = describe(&identity, o, device);
    if (!status)
        status = cgv_job_open(out, &(cgv_job_params){
                                       .url = output->url,
                                       .path = path,
                                       .segment = output->segment,
                                       .resume = o->resume,
                                       .identity = identity,
                                       .source = *source,
                                       .stop = source->stop,
                                   });
    free(path);
    return status;
}

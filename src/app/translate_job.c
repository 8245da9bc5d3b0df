#include "app/translate_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/cpu.h>

#include "app/input_identity.h"
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

// Those variables of the environment on which pictures depend, as far as they are set.
static json_t *environment(void) {
    static const char *const names[] = {"CGV_MATRIX", "CGV_SHUFFLE", "CGV_SUMS"};
    json_t *set = json_object();
    for (size_t i = 0; set && i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            json_object_set_new(set, names[i], json_string(getenv(names[i])));
    return set;
}

// Whatever the output's frames and packets depend on.
static cgv_status describe(json_t **out, const cgv_translate_options *o, const cgv_device *device) {
    json_t *input = NULL, *options = NULL;
    uint32_t model;
    *out = NULL;
    cgv_status status = cgv_input_describe(&input, o->input);
    if (!status)
        status = sum_model(&model, o->model);
    if (!status && !(options = cgv_translate_config(o)))
        status = cgv_fail(CGV_ERROR_ARGUMENT, "-segment_time notes all options, and one of them "
                                              "is no text in UTF-8");
    if (!status) {
        const cgv_device_info *info = cgv_device_get_info(device);
        int cores = o->threads ? 0 : av_cpu_count(); // which then choose the encoder's threads
        *out =
            json_pack("{ss ss so ss ss si so sI so}", "version", cgv_version(), "FFmpeg",
                      av_version_info(), CGV_IDENTITY_INPUT, input, "device", info->name, "driver",
                      info->driver, "cores for -threads 0", cores, "environment", environment(),
                      "checksum of the model", (json_int_t)model, "options", options);
        return *out ? CGV_OK : no_memory();
    }
    json_decref(input);
    return status;
}

// Only the file that was named is looked at, and not those that it names.
static bool reads_other_files(const cgv_source_params *source, const cgv_source_info *info) {
    static const char *const demuxers[] = {"concat", "hls", "dash",     "image2",
                                           "imf",    "sdp", "avisynth", "vapoursynth"};
    const AVDictionaryEntry *references = av_dict_get(source->options, "enable_drefs", NULL, 0);
    bool others = references && strcmp(references->value, "0") != 0; // of MOV
    for (size_t i = 0; i < sizeof demuxers / sizeof *demuxers && !others; i++)
        others = av_match_name(demuxers[i], info->input->iformat->name);
    return others;
}

cgv_status cgv_translate_job_open(cgv_job **out, const cgv_translate_options *o,
                                  const cgv_source_params *source, const cgv_source_info *info,
                                  cgv_device *device) {
    const cgv_output_options *output = &o->outputs.list[0];
    *out = NULL;
    if (info->live || o->paced)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: -segment_time is not for live inputs: what is lost of them cannot be "
                        "read again",
                        o->input);
    if (reads_other_files(source, info))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: -segment_time is not for inputs made of several files (%s)", o->input,
                        info->input->iformat->name);
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
                                       .device = device,
                                       .stop = source->stop,
                                   });
    free(path);
    return status;
}

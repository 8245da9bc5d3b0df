// Compute pipelines: compiled on first use per shader and specialization constants, and kept in a
// cache on disk that is bound to one device and driver.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fs.h"
#include "gpu/internal.h"

// A damaged cache can crash a driver, so the file carries a checksum of its own (FNV-1a).
static uint64_t checksum(const void *data, size_t size) {
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

// The contents of the cache file, or NULL: a missing or damaged one only costs time.
static uint8_t *load_cache(const char *path, size_t *size) {
    FILE *file = path ? fopen(path, "rb") : NULL;
    uint8_t *data = NULL;
    uint64_t sum;
    *size = 0;
    if (!file)
        return NULL;
    if (fread(&sum, sizeof sum, 1, file) == 1 && !fseek(file, 0, SEEK_END)) {
        long end = ftell(file);
        size_t length = end > (long)sizeof sum ? (size_t)end - sizeof sum : 0;
        data = length && length < 1 << 30 ? malloc(length) : NULL;
        if (data && !fseek(file, sizeof sum, SEEK_SET) && fread(data, 1, length, file) == length &&
            checksum(data, length) == sum) {
            *size = length;
        } else {
            free(data);
            data = NULL;
            cgv_log(CGV_LOG_VERBOSE, "%s is damaged, starting a new pipeline cache", path);
        }
    }
    fclose(file);
    return data;
}

static bool write_cache(const char *path, const char *part, const void *data, size_t size) {
    uint64_t sum = checksum(data, size);
    FILE *file = fopen(part, "wb");
    if (!file)
        return false;
    bool whole = fwrite(&sum, sizeof sum, 1, file) == 1 && fwrite(data, 1, size, file) == size;
    whole = !fclose(file) && whole && !rename(part, path);
    int why = errno;
    if (!whole)
        unlink(part);
    errno = why;
    return whole;
}

// A cache that cannot be written is no error: it only costs the next start some time.
static void save_cache(cgv_device *device) {
    size_t size = 0;
    if (!device->cache_path || cgv_device_is_lost(device) ||
        device->vk.vkGetPipelineCacheData(device->handle, device->cache, &size, NULL) || !size ||
        size == device->cache_loaded)
        return;
    void *data = malloc(size);
    char *part = cgv_fs_part_name(device->cache_path);
    if (data && part &&
        !device->vk.vkGetPipelineCacheData(device->handle, device->cache, &size, data) &&
        !write_cache(device->cache_path, part, data, size))
        cgv_log(CGV_LOG_WARNING,
                "%s: the pipeline cache is not kept, so the next start is slower: %s",
                device->cache_path, strerror(errno));
    free(part);
    free(data);
}

static char *cache_file(const cgv_device *device, const char *dir) {
    char *own = dir ? NULL : cgv_fs_cache_dir();
    const char *base = dir ? dir : own;
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(device->physical, &properties);
    char uuid[2 * VK_UUID_SIZE + 1];
    for (unsigned i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", properties.pipelineCacheUUID[i]);
    bool writable = base && *base && !access(base, W_OK);
    char *path = writable ? cgv_fs_format("%s/pipelines-%s.bin", base, uuid) : NULL;
    bool unwanted = dir && !*dir;
    if (!path && !unwanted)
        cgv_log(CGV_LOG_WARNING,
                "%s: no pipeline cache can be kept there, so every start is slow: set "
                "XDG_CACHE_HOME to a folder that can be written to",
                base ? base : "$XDG_CACHE_HOME, ~/.cache");
    free(own);
    return path;
}

cgv_status cgv_programs_create(cgv_device *device, const char *cache_dir) {
    VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, CGV_MAX_PUSH};
    VkResult result = device->vk.vkCreatePipelineLayout(
        device->handle,
        &(VkPipelineLayoutCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                      .pushConstantRangeCount = 1,
                                      .pPushConstantRanges = &range},
        NULL, &device->layout);
    if (result)
        return cgv_vk_fail(result, "creating a pipeline layout");
    device->cache_path = cache_file(device, cache_dir);
    uint8_t *data = load_cache(device->cache_path, &device->cache_loaded);
    result = device->vk.vkCreatePipelineCache(
        device->handle,
        &(VkPipelineCacheCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                     .initialDataSize = device->cache_loaded,
                                     .pInitialData = data},
        NULL, &device->cache);
    free(data);
    return result ? cgv_vk_fail(result, "creating a pipeline cache") : CGV_OK;
}

void cgv_programs_destroy(cgv_device *device) {
    if (device->cache)
        save_cache(device);
    for (int i = 0; i < device->program_count; i++)
        device->vk.vkDestroyPipeline(device->handle, device->programs[i].pipeline, NULL);
    device->vk.vkDestroyPipelineCache(device->handle, device->cache, NULL);
    device->vk.vkDestroyPipelineLayout(device->handle, device->layout, NULL);
    free(device->programs);
    free(device->cache_path);
}

static cgv_status compile_failed(VkResult result, const cgv_program *program) {
    if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
        return cgv_vk_fail(result, program->shader->name);
    return cgv_fail(CGV_ERROR_DEVICE,
                    "%s: the driver cannot compile this kernel (Vulkan error %d): another "
                    "version of it may",
                    program->shader->name, result);
}

static cgv_status compile(cgv_device *device, cgv_program *program) {
    if (cgv_fault(CGV_FAULT_PIPELINE))
        return compile_failed(VK_ERROR_UNKNOWN, program);
    VkSpecializationMapEntry entries[CGV_SPEC_BASE + CGV_MAX_SPEC];
    for (int i = 0; i < program->spec_count; i++)
        entries[i] = (VkSpecializationMapEntry){(uint32_t)i, (uint32_t)i * 4, 4};
    VkShaderModule module;
    VkResult result = device->vk.vkCreateShaderModule(
        device->handle,
        &(VkShaderModuleCreateInfo){.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                    .codeSize = program->shader->bytes,
                                    .pCode = program->shader->words},
        NULL, &module);
    if (result)
        return compile_failed(result, program);
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT required = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT,
        .requiredSubgroupSize = device->required_subgroup};
    result = device->vk.vkCreateComputePipelines(
        device->handle, device->cache, 1,
        &(VkComputePipelineCreateInfo){
            .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
            .stage =
                {
                    .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                    .pNext = device->required_subgroup ? &required : NULL,
                    .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                    .module = module,
                    .pName = "main",
                    .pSpecializationInfo =
                        &(VkSpecializationInfo){(uint32_t)program->spec_count, entries,
                                                (size_t)program->spec_count * 4, program->spec},
                },
            .layout = device->layout,
        },
        NULL, &program->pipeline);
    device->vk.vkDestroyShaderModule(device->handle, module, NULL);
    return result ? compile_failed(result, program) : CGV_OK;
}

static bool same(const cgv_program *a, const cgv_program *b) {
    return a->shader == b->shader && a->spec_count == b->spec_count &&
           !memcmp(a->spec, b->spec, (size_t)a->spec_count * sizeof *a->spec);
}

cgv_status cgv_program_get(cgv_device *device, VkPipeline *out, const cgv_dispatch *dispatch) {
    cgv_program wanted = {.shader = dispatch->shader,
                          .spec = {(int32_t)device->limits.subgroup, (int32_t)dispatch->local[0],
                                   (int32_t)dispatch->local[1]},
                          .spec_count = CGV_SPEC_BASE + dispatch->spec_count};
    memcpy(wanted.spec + CGV_SPEC_BASE, dispatch->spec,
           (size_t)dispatch->spec_count * sizeof *dispatch->spec);

    pthread_mutex_lock(&device->lock);
    cgv_status status = CGV_OK;
    int i = 0;
    while (i < device->program_count && !same(&device->programs[i], &wanted))
        i++;
    if (i == device->program_count && i == device->program_capacity) {
        int capacity = i ? 2 * i : 32;
        cgv_program *grown = realloc(device->programs, (size_t)capacity * sizeof *grown);
        if (grown) {
            device->programs = grown;
            device->program_capacity = capacity;
        } else {
            status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", dispatch->shader->name);
        }
    }
    if (!status && i == device->program_count) {
        status = compile(device, &wanted);
        if (!status)
            device->programs[device->program_count++] = wanted;
    }
    if (!status)
        *out = device->programs[i].pipeline;
    pthread_mutex_unlock(&device->lock);
    return status;
}

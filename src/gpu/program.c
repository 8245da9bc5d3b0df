// Compute pipelines: compiled on first use per shader and specialization constants, and kept in a
// cache on disk that is bound to one device and driver.
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "gpu/internal.h"

static void save_cache(cgv_device *device) {
    size_t size = 0;
    if (!device->cache_path || cgv_device_is_lost(device) ||
        device->vk.vkGetPipelineCacheData(device->handle, device->cache, &size, NULL) || !size ||
        size == device->cache_loaded)
        return;
    void *data = malloc(size);
    if (data && !device->vk.vkGetPipelineCacheData(device->handle, device->cache, &size, data))
        cgv_cache_store(device->cache_path, data, size, "the pipeline cache is not kept");
    free(data);
}

cgv_status cgv_programs_create(cgv_device *device) {
    VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, CGV_MAX_PUSH};
    VkResult result = device->vk.vkCreatePipelineLayout(
        device->handle,
        &(VkPipelineLayoutCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                      .pushConstantRangeCount = 1,
                                      .pPushConstantRanges = &range},
        NULL, &device->layout);
    if (result)
        return cgv_vk_fail(result, "creating a pipeline layout");
    uint8_t *data = cgv_cache_load(device->cache_path, &device->cache_loaded);
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
    bool full = device->full_subgroups && program->spec[1] % program->spec[0] == 0;
    result = device->vk.vkCreateComputePipelines(
        device->handle, device->cache, 1,
        &(VkComputePipelineCreateInfo){
            .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
            .stage =
                {
                    .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                    .pNext = device->required_subgroup ? &required : NULL,
                    .flags =
                        full ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT : 0,
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

// Command lists: recording with automatic barriers, submission, timing.
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "gpu/hazard.h"
#include "gpu/internal.h"

#define MAX_TIMESTAMPS 16384

struct cgv_cmd {
    cgv_device *device;
    VkCommandPool pool;
    VkCommandBuffer buffer;
    VkQueryPool queries; // only when profiling
    cgv_status status;   // the first error since begin
    const char *label;   // of the commands that follow; NULL: their shaders' names
    bool recording;
    uint64_t ticket; // timeline value of the last submission; 0: none

    cgv_hazards hazards;
    cgv_event *events;
    int event_count, event_capacity;
    cgv_access *accesses; // of all events; those of the next one are at the end
    int access_count, access_capacity;
    int access_next; // where the accesses of the next event begin

    cgv_profile_entry *profile;
    int dispatch_count; // of those with timestamps
};

cgv_status cgv_cmd_create(cgv_cmd **out, cgv_device *device, bool profile) {
    cgv_cmd *cmd = *out = calloc(1, sizeof *cmd);
    if (!cmd)
        return cgv_fail(CGV_ERROR_MEMORY, "creating a command list: out of memory");
    cmd->device = device;
    VkResult result = device->vk.vkCreateCommandPool(
        device->handle,
        &(VkCommandPoolCreateInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                   .queueFamilyIndex = device->queue_family},
        NULL, &cmd->pool);
    if (!result)
        result = device->vk.vkAllocateCommandBuffers(
            device->handle,
            &(VkCommandBufferAllocateInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .commandPool = cmd->pool,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 1},
            &cmd->buffer);
    if (!result && profile && device->timestamp_ns > 0) {
        result = device->vk.vkCreateQueryPool(
            device->handle,
            &(VkQueryPoolCreateInfo){.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                     .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                     .queryCount = MAX_TIMESTAMPS},
            NULL, &cmd->queries);
        cmd->profile = calloc(MAX_TIMESTAMPS, sizeof *cmd->profile);
        if (!cmd->profile)
            result = VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (result) {
        cgv_cmd_destroy(out);
        return cgv_vk_fail(result, "creating a command list");
    }
    return CGV_OK;
}

void cgv_cmd_destroy(cgv_cmd **out) {
    if (!out || !*out)
        return;
    cgv_cmd *cmd = *out;
    *out = NULL;
    cgv_device *device = cmd->device;
    if (cmd->ticket && cgv_cmd_wait(cmd))
        device->vk.vkDeviceWaitIdle(device->handle);
    device->vk.vkDestroyQueryPool(device->handle, cmd->queries, NULL);
    device->vk.vkDestroyCommandPool(device->handle, cmd->pool, NULL);
    cgv_hazards_free(&cmd->hazards);
    free(cmd->events);
    free(cmd->accesses);
    free(cmd->profile);
    free(cmd);
}

cgv_device *cgv_cmd_device(const cgv_cmd *cmd) {
    return cmd->device;
}

void cgv_cmd_fail(cgv_cmd *cmd, cgv_status status) {
    if (!cmd->status)
        cmd->status = status;
}

void cgv_cmd_label(cgv_cmd *cmd, const char *label) {
    cmd->label = label;
}

// ---- recording ----

// Grow an array of `size`-byte elements to hold one more than `count`.
static bool reserve(cgv_cmd *cmd, void **array, int *capacity, int count, size_t size) {
    if (count < *capacity)
        return true;
    int grown_capacity = *capacity ? 2 * *capacity : 256;
    void *grown = realloc(*array, (size_t)grown_capacity * size);
    if (!grown) {
        cgv_cmd_fail(cmd, cgv_fail(CGV_ERROR_MEMORY, "recording commands: out of memory"));
        return false;
    }
    *array = grown;
    *capacity = grown_capacity;
    return true;
}

static void add_event(cgv_cmd *cmd, const char *label, const void *push, size_t push_bytes) {
    if (!reserve(cmd, (void **)&cmd->events, &cmd->event_capacity, cmd->event_count,
                 sizeof *cmd->events))
        return;
    cgv_event *event = &cmd->events[cmd->event_count++];
    *event = (cgv_event){.label = label, .access_first = cmd->access_next};
    if (!label)
        return;
    event->access_count = cmd->access_count - cmd->access_next;
    event->push_bytes = (uint32_t)push_bytes;
    if (push_bytes)
        memcpy(event->push, push, push_bytes);
    cmd->access_next = cmd->access_count;
}

static void barrier(cgv_cmd *cmd, VkPipelineStageFlags to, VkAccessFlags access) {
    VkPipelineStageFlags from =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = access,
    };
    cmd->device->vk.vkCmdPipelineBarrier(cmd->buffer, from, to, 0, 1, &memory, 0, NULL, 0, NULL);
}

// Order everything recorded or submitted before against everything after.
static void device_barrier(cgv_cmd *cmd) {
    barrier(cmd, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                VK_ACCESS_TRANSFER_WRITE_BIT);
    cgv_hazards_barrier(&cmd->hazards);
    add_event(cmd, NULL, NULL, 0);
}

// The barrier that the declared accesses of the coming command need, if any.
static void order_next(cgv_cmd *cmd) {
    const cgv_access *next = cmd->accesses + cmd->access_next;
    int count = cmd->access_count - cmd->access_next;
    if (cmd->device->full_barriers || cgv_hazards_conflict(&cmd->hazards, next, count))
        device_barrier(cmd);
    if (!cgv_hazards_add(&cmd->hazards, next, count))
        cgv_cmd_fail(cmd, cgv_fail(CGV_ERROR_MEMORY, "recording commands: out of memory"));
}

void cgv_cmd_begin(cgv_cmd *cmd) {
    const struct VolkDeviceTable *vk = &cmd->device->vk;
    cmd->status = CGV_OK;
    cmd->label = NULL;
    cmd->event_count = cmd->access_count = cmd->access_next = cmd->dispatch_count = 0;
    cgv_hazards_barrier(&cmd->hazards);
    VkResult result = vk->vkResetCommandPool(cmd->device->handle, cmd->pool, 0);
    if (!result)
        result = vk->vkBeginCommandBuffer(
            cmd->buffer,
            &(VkCommandBufferBeginInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO});
    cmd->recording = !result;
    if (result) {
        cgv_cmd_fail(cmd, cgv_vk_fail(result, "beginning a command list"));
        return;
    }
    if (cmd->queries)
        vk->vkCmdResetQueryPool(cmd->buffer, cmd->queries, 0, MAX_TIMESTAMPS);
    device_barrier(cmd); // lists share memory with those submitted before
}

static uint64_t declare(cgv_cmd *cmd, uint64_t address, uint64_t bytes, bool write) {
    if (reserve(cmd, (void **)&cmd->accesses, &cmd->access_capacity, cmd->access_count,
                sizeof *cmd->accesses))
        cmd->accesses[cmd->access_count++] = (cgv_access){address, bytes, write};
    return address;
}

uint64_t cgv_cmd_read(cgv_cmd *cmd, uint64_t address, uint64_t bytes) {
    return declare(cmd, address, bytes, false);
}

uint64_t cgv_cmd_write(cgv_cmd *cmd, uint64_t address, uint64_t bytes) {
    return declare(cmd, address, bytes, true);
}

static bool within_limits(cgv_cmd *cmd, const cgv_dispatch *dispatch) {
    const cgv_limits *limits = &cmd->device->limits;
    bool fits = dispatch->local[0] * dispatch->local[1] <= limits->workgroup &&
                dispatch->push_bytes <= CGV_MAX_PUSH && dispatch->spec_count <= CGV_MAX_SPEC;
    for (int i = 0; i < 3; i++)
        fits &= dispatch->groups[i] > 0 && dispatch->groups[i] <= limits->groups[i];
    if (!fits)
        cgv_cmd_fail(cmd, cgv_fail(CGV_ERROR_UNSUPPORTED,
                                   "%s: a dispatch of %ux%ux%u groups is beyond %s",
                                   dispatch->shader->name, dispatch->groups[0], dispatch->groups[1],
                                   dispatch->groups[2], cmd->device->info.name));
    return fits;
}

static void timestamp(cgv_cmd *cmd, VkPipelineStageFlagBits stage, int query) {
    cmd->device->vk.vkCmdWriteTimestamp(cmd->buffer, stage, cmd->queries, (uint32_t)query);
}

// Timestamps enclose each command while there are queries left; `end` closes the last one.
static void time_command(cgv_cmd *cmd, const char *label, const char *shader, bool end) {
    if (!cmd->queries || 2 * cmd->dispatch_count + 1 >= MAX_TIMESTAMPS)
        return;
    if (!end) {
        // Serialise, so that what is measured is this command alone.
        device_barrier(cmd);
        cmd->profile[cmd->dispatch_count].label = label;
        cmd->profile[cmd->dispatch_count].shader = shader;
        timestamp(cmd, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 2 * cmd->dispatch_count);
    } else {
        timestamp(cmd, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 2 * cmd->dispatch_count + 1);
        cmd->dispatch_count++;
    }
}

void cgv_cmd_dispatch(cgv_cmd *cmd, const cgv_dispatch *dispatch) {
    const struct VolkDeviceTable *vk = &cmd->device->vk;
    const char *label = cmd->label ? cmd->label : dispatch->shader->name;
    VkPipeline pipeline;
    if (cmd->status || !within_limits(cmd, dispatch))
        return;
    cgv_status status = cgv_program_get(cmd->device, &pipeline, dispatch);
    if (status) {
        cgv_cmd_fail(cmd, status);
        return;
    }
    time_command(cmd, label, dispatch->shader->name, false);
    order_next(cmd);
    vk->vkCmdBindPipeline(cmd->buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vk->vkCmdPushConstants(cmd->buffer, cmd->device->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           (uint32_t)dispatch->push_bytes, dispatch->push);
    vk->vkCmdDispatch(cmd->buffer, dispatch->groups[0], dispatch->groups[1], dispatch->groups[2]);
    time_command(cmd, label, dispatch->shader->name, true);
    add_event(cmd, label, dispatch->push, dispatch->push_bytes);
}

void cgv_cmd_copy(cgv_cmd *cmd, const cgv_buffer *to, uint64_t to_offset, const cgv_buffer *from,
                  uint64_t from_offset, uint64_t bytes) {
    if (cmd->status)
        return;
    cgv_cmd_read(cmd, from->address + from_offset, bytes);
    cgv_cmd_write(cmd, to->address + to_offset, bytes);
    order_next(cmd);
    VkBufferCopy region = {from_offset, to_offset, bytes};
    cmd->device->vk.vkCmdCopyBuffer(cmd->buffer, from->impl->buffer, to->impl->buffer, 1, &region);
    add_event(cmd, "copy", NULL, 0);
}

void cgv_cmd_fill(cgv_cmd *cmd, const cgv_buffer *buffer, uint64_t offset, uint64_t bytes,
                  uint32_t word) {
    if (cmd->status)
        return;
    cgv_cmd_write(cmd, buffer->address + offset, bytes);
    order_next(cmd);
    cmd->device->vk.vkCmdFillBuffer(cmd->buffer, buffer->impl->buffer, offset, bytes, word);
    add_event(cmd, "fill", NULL, 0);
}

cgv_status cgv_cmd_end(cgv_cmd *cmd) {
    if (!cmd->recording)
        return cmd->status;
    cmd->recording = false;
    barrier(cmd, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    VkResult result = cmd->device->vk.vkEndCommandBuffer(cmd->buffer);
    if (result)
        cgv_cmd_fail(cmd, cgv_vk_fail(result, "ending a command list"));
    return cmd->status;
}

// ---- execution ----

cgv_status cgv_cmd_submit(cgv_cmd *cmd) {
    cgv_device *device = cmd->device;
    if (cmd->status)
        return cmd->status;
    if (cgv_device_is_lost(device))
        return CGV_ERROR_DEVICE_LOST;
    pthread_mutex_lock(&device->lock);
    uint64_t ticket = device->submitted + 1;
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &ticket,
    };
    bool fault = cgv_fault(CGV_FAULT_SUBMIT);
    VkResult result = fault ? VK_ERROR_DEVICE_LOST
                            : device->vk.vkQueueSubmit(device->queue, 1,
                                                       &(VkSubmitInfo){
                                                           .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                                           .pNext = &timeline,
                                                           .commandBufferCount = 1,
                                                           .pCommandBuffers = &cmd->buffer,
                                                           .signalSemaphoreCount = 1,
                                                           .pSignalSemaphores = &device->timeline,
                                                       },
                                                       VK_NULL_HANDLE);
    if (!result)
        device->submitted = cmd->ticket = ticket;
    pthread_mutex_unlock(&device->lock);
    return result ? cgv_device_fail(device, result, "submitting work to the device") : CGV_OK;
}

static VkResult wait_for(const cgv_device *device, uint64_t ticket) {
    return device->vk.vkWaitSemaphores(
        device->handle,
        &(VkSemaphoreWaitInfo){.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                               .semaphoreCount = 1,
                               .pSemaphores = &device->timeline,
                               .pValues = &ticket},
        UINT64_MAX);
}

cgv_status cgv_cmd_wait(cgv_cmd *cmd) {
    cgv_device *device = cmd->device;
    if (!cmd->ticket)
        return CGV_OK;
    if (cgv_device_is_lost(device)) // what it signals does not count any more
        return CGV_ERROR_DEVICE_LOST;
    VkResult result =
        cgv_fault(CGV_FAULT_WAIT) ? VK_ERROR_DEVICE_LOST : wait_for(device, cmd->ticket);
    if (result)
        return cgv_device_fail(device, result, "waiting for the device");
    cmd->ticket = 0;
    cgv_spread_update(device);
    return CGV_OK;
}

cgv_status cgv_cmd_run(cgv_cmd *cmd) {
    cgv_status status = cgv_cmd_end(cmd);
    if (!status)
        status = cgv_cmd_submit(cmd);
    return status ? status : cgv_cmd_wait(cmd);
}

cgv_status cgv_cmd_profile(cgv_cmd *cmd, const cgv_profile_entry **entries, int *count) {
    *entries = cmd->profile;
    *count = cmd->dispatch_count;
    if (!cmd->queries)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s has no timestamps", cmd->device->info.name);
    for (int i = 0; i < cmd->dispatch_count; i++) {
        uint64_t ticks[2];
        VkResult result = cmd->device->vk.vkGetQueryPoolResults(
            cmd->device->handle, cmd->queries, 2 * (uint32_t)i, 2, sizeof ticks, ticks,
            sizeof *ticks, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
        if (result)
            return cgv_vk_fail(result, "reading timestamps");
        uint64_t passed = (ticks[1] - ticks[0]) & cmd->device->timestamp_mask;
        cmd->profile[i].ms = (double)passed * cmd->device->timestamp_ns * 1e-6;
    }
    return CGV_OK;
}

const cgv_event *cgv_cmd_events(const cgv_cmd *cmd, int *count) {
    *count = cmd->event_count;
    return cmd->events;
}

const cgv_access *cgv_cmd_accesses(const cgv_cmd *cmd) {
    return cmd->accesses;
}

// Buffers with device addresses.
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "gpu/internal.h"

#define STAGING_BYTES (16u << 20)

typedef struct memory_wish {
    VkMemoryPropertyFlags need, like;
} memory_wish;

static const memory_wish wishes[] = {
    [CGV_MEMORY_DEVICE] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0},
    [CGV_MEMORY_UPLOAD] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                               VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                           0},
    [CGV_MEMORY_READBACK] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                 VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                             VK_MEMORY_PROPERTY_HOST_CACHED_BIT},
};

// The first type with all that is liked, else the first with what is needed; -1 if none.
static int choose_type(const VkPhysicalDeviceMemoryProperties *memory, uint32_t allowed,
                       memory_wish wish) {
    int fallback = -1;
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        VkMemoryPropertyFlags flags = memory->memoryTypes[i].propertyFlags;
        if (!(allowed >> i & 1) || (flags & wish.need) != wish.need)
            continue;
        if ((flags & wish.like) == wish.like)
            return (int)i;
        if (fallback < 0)
            fallback = (int)i;
    }
    return fallback;
}

// Memory of a kind for a buffer that has none, mapped where the host can reach it.
static VkResult allocate(cgv_buffer *buffer, cgv_memory memory) {
    struct cgv_buffer_impl *impl = buffer->impl;
    const cgv_device *device = impl->device;
    const struct VolkDeviceTable *vk = &device->vk;
    VkMemoryRequirements need;
    vk->vkGetBufferMemoryRequirements(device->handle, impl->buffer, &need);
    int type = choose_type(&device->memory, need.memoryTypeBits, wishes[memory]);
    if (type < 0 || cgv_fault(CGV_FAULT_MEMORY))
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                       .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkResult result = vk->vkAllocateMemory(
        device->handle,
        &(VkMemoryAllocateInfo){.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                .pNext = &flags,
                                .allocationSize = need.size,
                                .memoryTypeIndex = (uint32_t)type},
        NULL, &impl->memory);
    if (!result)
        result = vk->vkBindBufferMemory(device->handle, impl->buffer, impl->memory, 0);
    VkMemoryPropertyFlags visible =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if (!result && (device->memory.memoryTypes[type].propertyFlags & visible) == visible)
        result = vk->vkMapMemory(device->handle, impl->memory, 0, VK_WHOLE_SIZE, 0, &buffer->host);
    return result;
}

cgv_status cgv_buffer_create(cgv_buffer *out, cgv_device *device, uint64_t size, cgv_memory memory,
                             const char *what) {
    const struct VolkDeviceTable *vk = &device->vk;
    *out = (cgv_buffer){.size = size ? size : 4};
    struct cgv_buffer_impl *impl = out->impl = calloc(1, sizeof *impl);
    if (!impl)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", what);
    impl->device = device;
    if (size > device->limits.allocation) {
        cgv_buffer_destroy(out);
        return cgv_fail(CGV_ERROR_DEVICE_MEMORY, "%s: %llu MiB in one piece, but %s allows %llu",
                        what, (unsigned long long)(size >> 20), device->info.name,
                        (unsigned long long)(device->limits.allocation >> 20));
    }
    VkResult result = vk->vkCreateBuffer(
        device->handle,
        &(VkBufferCreateInfo){
            .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
            .size = out->size,
            .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                     VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT},
        NULL, &impl->buffer);
    if (!result)
        result = allocate(out, memory);
    if (result) {
        cgv_buffer_destroy(out);
        if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
            return cgv_fail(CGV_ERROR_DEVICE_MEMORY, "%s: no device memory for %llu MiB", what,
                            (unsigned long long)(size >> 20));
        return cgv_vk_fail(result, what);
    }
    out->address = vk->vkGetBufferDeviceAddress(
        device->handle,
        &(VkBufferDeviceAddressInfo){.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                     .buffer = impl->buffer});
    return CGV_OK;
}

void cgv_buffer_destroy(cgv_buffer *buffer) {
    if (!buffer || !buffer->impl)
        return;
    cgv_device *device = buffer->impl->device;
    device->vk.vkDestroyBuffer(device->handle, buffer->impl->buffer, NULL);
    device->vk.vkFreeMemory(device->handle, buffer->impl->memory, NULL);
    free(buffer->impl);
    *buffer = (cgv_buffer){0};
}

// Copy through a staging buffer in pieces, in either direction.
static cgv_status stage(const cgv_buffer *buffer, uint64_t offset, void *read_to,
                        const void *write_from, uint64_t size) {
    cgv_device *device = buffer->impl->device;
    uint64_t piece = size < STAGING_BYTES ? (size + 3) / 4 * 4 : STAGING_BYTES;
    cgv_buffer staging = {0};
    cgv_cmd *cmd = NULL;
    cgv_status status =
        cgv_buffer_create(&staging, device, piece,
                          read_to ? CGV_MEMORY_READBACK : CGV_MEMORY_UPLOAD, "staging memory");
    if (!status)
        status = cgv_cmd_create(&cmd, device, false);
    for (uint64_t at = 0; !status && at < size; at += piece) {
        uint64_t bytes = size - at < piece ? size - at : piece;
        cgv_cmd_begin(cmd);
        if (write_from) {
            memcpy(staging.host, (const char *)write_from + at, bytes);
            cgv_cmd_copy(cmd, buffer, offset + at, &staging, 0, bytes);
        } else {
            cgv_cmd_copy(cmd, &staging, 0, buffer, offset + at, bytes);
        }
        status = cgv_cmd_run(cmd);
        if (!status && read_to)
            memcpy((char *)read_to + at, staging.host, bytes);
    }
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&staging);
    return status;
}

cgv_status cgv_buffer_write(const cgv_buffer *buffer, uint64_t offset, const void *data,
                            uint64_t size) {
    if (size > buffer->size || offset > buffer->size - size)
        return cgv_fail(CGV_ERROR_ARGUMENT, "a write past the end of a device buffer");
    if (!buffer->host)
        return stage(buffer, offset, NULL, data, size);
    memcpy((char *)buffer->host + offset, data, size);
    return CGV_OK;
}

cgv_status cgv_buffer_read(const cgv_buffer *buffer, uint64_t offset, void *data, uint64_t size) {
    if (size > buffer->size || offset > buffer->size - size)
        return cgv_fail(CGV_ERROR_ARGUMENT, "a read past the end of a device buffer");
    if (!buffer->host)
        return stage(buffer, offset, data, NULL, size);
    memcpy(data, (char *)buffer->host + offset, size);
    return CGV_OK;
}

// Choosing and opening a device.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/float32.h"
#include "gpu/internal.h"
#include "gpu/matrix_khr.h"

static bool contains_fold(const char *text, const char *part) {
    return strcasestr(text, part) != NULL;
}

static bool matches(const cgv_device_info *info, const char *select) {
    char *end;
    long index = strtol(select, &end, 10);
    if (*select && !*end && index >= 0 && strlen(select) < 6)
        return index == info->index;
    return !strcasecmp(select, info->uuid) || contains_fold(info->name, select);
}

// Index of the device to open, or -1 after saying why there is none.
static int choose(const cgv_device_info *info, int count, const char *select) {
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (select && !matches(&info[i], select))
            continue;
        if (select && !info[i].usable) {
            cgv_fail(CGV_ERROR_DEVICE, "device %d (%s) lacks %s", i, info[i].name, info[i].lacks);
            return -1;
        }
        // The types are declared in order of preference.
        if (info[i].usable && (best < 0 || info[i].type < info[best].type))
            best = i;
    }
    if (best >= 0)
        return best;
    if (select)
        cgv_fail(CGV_ERROR_DEVICE, "no Vulkan device matches '%s'; `cgvideo devices` lists them",
                 select);
    else if (count)
        cgv_fail(CGV_ERROR_DEVICE, "none of the %d Vulkan devices is usable: %s lacks %s", count,
                 info[0].name, info[0].lacks);
    else
        cgv_fail(CGV_ERROR_DEVICE, "no Vulkan device; mesa-vulkan-drivers has one for the CPU");
    return -1;
}

static bool have_extension(VkPhysicalDevice physical, const char *name) {
    uint32_t count = 0;
    bool found = false;
    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL) || !count)
        return false;
    VkExtensionProperties *list = calloc(count, sizeof *list);
    if (list && vkEnumerateDeviceExtensionProperties(physical, NULL, &count, list) >= 0)
        for (uint32_t i = 0; i < count; i++)
            found |= !strcmp(list[i].extensionName, name);
    free(list);
    return found;
}

// A compute queue, without graphics when there is one: it does not wait for a desktop's frames.
static int choose_queue(cgv_device *device, float period) {
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    vkGetPhysicalDeviceQueueFamilyProperties(device->physical, &count, families);
    int best = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT))
            continue;
        if (best < 0 || (families[best].queueFlags & VK_QUEUE_GRAPHICS_BIT &&
                         !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)))
            best = (int)i;
    }
    uint32_t bits = best < 0 ? 0 : families[best].timestampValidBits;
    device->timestamp_ns = bits ? (double)period : 0;
    device->timestamp_mask = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
    return best;
}

static bool environment_is(const char *name, const char *value) {
    const char *set = getenv(name);
    return set && !strcmp(set, value);
}

// AVX2 has 16 vector registers; AVX-512, whose vectors may be as short, and Arm have 32.
static bool host_has_few_registers(void) {
#if defined(__x86_64__) || defined(__i386__)
    return !__builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

static void read_limits(cgv_device *device) {
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties maintenance = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &maintenance};
    vkGetPhysicalDeviceProperties2(device->physical, &properties);
    const VkPhysicalDeviceLimits *limits = &properties.properties.limits;
    device->limits = (cgv_limits){
        .subgroup = device->info.subgroup,
        .workgroup = limits->maxComputeWorkGroupInvocations,
        .shared_bytes = limits->maxComputeSharedMemorySize,
        .allocation = maintenance.maxMemoryAllocationSize,
        .cpu = device->info.type == CGV_DEVICE_CPU,
        .shuffle = subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT &&
                   !environment_is("CGV_SHUFFLE", "off"),
    };
    device->limits.threads = device->limits.cpu ? (int)sysconf(_SC_NPROCESSORS_ONLN) : 0;
    device->limits.few_registers = device->limits.cpu && host_has_few_registers();
    VkPhysicalDeviceFeatures features;
    vkGetPhysicalDeviceFeatures(device->physical, &features);
    device->limits.wide_sums =
        device->limits.cpu && features.shaderFloat64 && !environment_is("CGV_SUMS", "float");
    memcpy(device->limits.groups, limits->maxComputeWorkGroupCount, sizeof device->limits.groups);
}

// Where the compiler may choose among subgroup sizes, pin the one that kernels count on; and matrix
// units want full subgroups. Then `features` are to be enabled: the result.
static bool control_subgroups(cgv_device *device,
                              VkPhysicalDeviceSubgroupSizeControlFeaturesEXT *features) {
    *features = (VkPhysicalDeviceSubgroupSizeControlFeaturesEXT){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
    if (!have_extension(device->physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
        return false;
    VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT};
    vkGetPhysicalDeviceProperties2(
        device->physical,
        &(VkPhysicalDeviceProperties2){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                       .pNext = &sizes});
    vkGetPhysicalDeviceFeatures2(
        device->physical,
        &(VkPhysicalDeviceFeatures2){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                     .pNext = features});
    if (features->subgroupSizeControl && sizes.minSubgroupSize != sizes.maxSubgroupSize &&
        sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT)
        device->required_subgroup = device->info.subgroup;
    device->full_subgroups = device->limits.matrix.m && features->computeFullSubgroups;
    return device->required_subgroup || device->full_subgroups;
}

// With one queue. next: features of the extensions.
static VkResult create_device(cgv_device *device, const char *const *extensions,
                              uint32_t extension_count, void *next) {
    bool matrices = device->limits.matrix.m != 0;
    VkPhysicalDeviceVulkan12Features features12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = next,
        .bufferDeviceAddress = VK_TRUE,
        .timelineSemaphore = VK_TRUE,
        .shaderFloat16 = matrices,
        .vulkanMemoryModel = matrices,
    };
    const VkPhysicalDeviceFeatures features = {
        .shaderInt64 = VK_TRUE,
        .shaderFloat64 = device->limits.wide_sums || sizeof(float) > sizeof(float32),
    };
    const float32 priority = 1;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = device->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    return vkCreateDevice(device->physical,
                          &(VkDeviceCreateInfo){
                              .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                              .pNext = &features12,
                              .queueCreateInfoCount = 1,
                              .pQueueCreateInfos = &queue,
                              .enabledExtensionCount = extension_count,
                              .ppEnabledExtensionNames = extensions,
                              .pEnabledFeatures = &features,
                          },
                          NULL, &device->handle);
}

static VkResult create_timeline(cgv_device *device) {
    VkSemaphoreTypeCreateInfo timeline = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                          .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    return device->vk.vkCreateSemaphore(
        device->handle,
        &(VkSemaphoreCreateInfo){.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
                                 .pNext = &timeline},
        NULL, &device->timeline);
}

static cgv_status open_device(cgv_device *device) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(device->physical, &properties);
    vkGetPhysicalDeviceMemoryProperties(device->physical, &device->memory);
    read_limits(device);
    int family = choose_queue(device, properties.limits.timestampPeriod);
    if (family < 0)
        return cgv_fail(CGV_ERROR_DEVICE, "%s has no compute queue", device->info.name);
    device->queue_family = (uint32_t)family;

    const char *extensions[2];
    uint32_t extension_count = 0;
    void *next = NULL;
    if (have_extension(device->physical, CGV_MATRIX_EXTENSION))
        device->limits.matrix = cgv_matrix_find(device->instance, device->physical);
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT control;
    if (control_subgroups(device, &control)) {
        extensions[extension_count++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
        next = &control;
    }
    cgv_matrix_features matrix = {.sType = (VkStructureType)CGV_STRUCTURE_MATRIX_FEATURES,
                                  .pNext = next,
                                  .cooperativeMatrix = VK_TRUE};
    if (device->limits.matrix.m) {
        extensions[extension_count++] = CGV_MATRIX_EXTENSION;
        next = &matrix;
    }
    cgv_spread_begin(device);
    VkResult result = create_device(device, extensions, extension_count, next);
    if (result)
        return cgv_vk_fail(result, device->info.name);
    cgv_spread_found(device);
    volkLoadDeviceTable(&device->vk, device->handle);
    device->vk.vkGetDeviceQueue(device->handle, device->queue_family, 0, &device->queue);
    result = create_timeline(device);
    return result ? cgv_vk_fail(result, "creating a semaphore") : CGV_OK;
}

cgv_status cgv_device_create(cgv_device **out, const cgv_device_params *params) {
    static const cgv_device_params defaults;
    if (!params)
        params = &defaults;
    *out = NULL;
    cgv_device *device = calloc(1, sizeof *device);
    VkPhysicalDevice *physical = NULL;
    cgv_device_info *info = NULL;
    int count = 0;
    if (!device)
        return cgv_fail(CGV_ERROR_MEMORY, "opening a Vulkan device: out of memory");
    pthread_mutex_init(&device->lock, NULL);
    device->full_barriers = params->full_barriers || environment_is("CGV_BARRIERS", "full");

    cgv_status status =
        cgv_instance_create(device, params->validate || environment_is("CGV_VALIDATE", "1"));
    if (status)
        goto done;
    status = cgv_instance_devices(device->instance, &physical, &info, &count);
    if (status)
        goto done;
    int chosen = choose(info, count, params->select);
    if (chosen < 0) {
        status = CGV_ERROR_DEVICE;
        goto done;
    }
    device->physical = physical[chosen];
    device->info = info[chosen];
    status = open_device(device);
    if (!status) {
        cgv_cache_find(device, params->cache_dir);
        status = cgv_programs_create(device);
    }
done:
    free(physical);
    cgv_device_list_free(&info);
    if (status)
        cgv_device_destroy(&device);
    *out = device;
    return status;
}

void cgv_device_destroy(cgv_device **out) {
    if (!out || !*out)
        return;
    cgv_device *device = *out;
    *out = NULL;
    if (device->handle) {
        device->vk.vkDeviceWaitIdle(device->handle);
        cgv_programs_destroy(device);
        device->vk.vkDestroySemaphore(device->handle, device->timeline, NULL);
        device->vk.vkDestroyDevice(device->handle, NULL);
    }
    cgv_instance_destroy(device);
    cgv_notes_destroy(device);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

const cgv_device_info *cgv_device_get_info(const cgv_device *device) {
    return &device->info;
}

cgv_status cgv_device_fail(cgv_device *device, VkResult result, const char *what) {
    bool lost = result == VK_ERROR_DEVICE_LOST;
    if (lost && __atomic_exchange_n(&device->lost, true, __ATOMIC_RELAXED))
        return CGV_ERROR_DEVICE_LOST;
    return cgv_vk_fail(result, what);
}

bool cgv_device_is_lost(const cgv_device *device) {
    return __atomic_load_n(&device->lost, __ATOMIC_RELAXED);
}

const cgv_limits *cgv_device_limits(const cgv_device *device) {
    return &device->limits;
}

int cgv_device_validation_messages(const cgv_device *device) {
    return __atomic_load_n(&device->validation_messages, __ATOMIC_RELAXED);
}

bool cgv_device_has_timestamps(const cgv_device *device) {
    return device->timestamp_ns > 0;
}

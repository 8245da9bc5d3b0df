// Vulkan instance, validation layer, and the list of devices.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/internal.h"

static const char validation_layer[] = "VK_LAYER_KHRONOS_validation";

cgv_status cgv_vk_fail(VkResult result, const char *what) {
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of host memory", what);
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return cgv_fail(CGV_ERROR_DEVICE_MEMORY, "%s: out of device memory", what);
    case VK_ERROR_DEVICE_LOST:
        return cgv_fail(CGV_ERROR_DEVICE_LOST,
                        "%s: the Vulkan device was lost: its driver was reset or crashed, of "
                        "which the system's log may tell more",
                        what);
    default:
        return cgv_fail(CGV_ERROR_DEVICE, "%s: Vulkan error %d", what, result);
    }
}

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data,
                                                 void *opaque) {
    (void)types;
    cgv_device *device = opaque;
    __atomic_add_fetch(&device->validation_messages, 1, __ATOMIC_RELAXED);
    bool error = severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    cgv_log(error ? CGV_LOG_ERROR : CGV_LOG_WARNING, "Vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

static bool have_validation_layer(void) {
    uint32_t count = 0;
    bool found = false;
    if (vkEnumerateInstanceLayerProperties(&count, NULL) || !count)
        return false;
    VkLayerProperties *layers = calloc(count, sizeof *layers);
    if (layers && vkEnumerateInstanceLayerProperties(&count, layers) >= 0)
        for (uint32_t i = 0; i < count; i++)
            found |= !strcmp(layers[i].layerName, validation_layer);
    free(layers);
    return found;
}

static cgv_status check_loader(bool validate) {
    if (volkInitialize())
        return cgv_fail(CGV_ERROR_DEVICE,
                        "no Vulkan loader (libvulkan.so.1): install a Vulkan driver, "
                        "on Debian mesa-vulkan-drivers");
    if (volkGetInstanceVersion() < VK_API_VERSION_1_2)
        return cgv_fail(CGV_ERROR_DEVICE, "the Vulkan loader is older than Vulkan 1.2");
    if (validate && !have_validation_layer())
        return cgv_fail(CGV_ERROR_DEVICE,
                        "validation was asked for, but %s is not installed "
                        "(Debian: vulkan-validationlayers)",
                        validation_layer);
    return CGV_OK;
}

// next: NULL, or what the validation layer is told.
static VkResult create_instance(cgv_device *device, const void *next) {
    const char *layer = validation_layer, *extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "cgvideo",
        .apiVersion = VK_API_VERSION_1_2,
    };
    return vkCreateInstance(
        &(VkInstanceCreateInfo){
            .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
            .pNext = next,
            .pApplicationInfo = &application,
            .enabledLayerCount = next != NULL,
            .ppEnabledLayerNames = &layer,
            .enabledExtensionCount = next != NULL,
            .ppEnabledExtensionNames = &extension,
        },
        NULL, &device->instance);
}

cgv_status cgv_instance_create(cgv_device *device, bool validate) {
    cgv_status status = check_loader(validate);
    if (status)
        return status;
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = device,
    };
    static const VkValidationFeatureEnableEXT synchronization =
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = &synchronization,
    };
    VkResult result = create_instance(device, validate ? &features : NULL);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        return cgv_fail(CGV_ERROR_DEVICE, "no Vulkan driver is installed "
                                          "(Debian: mesa-vulkan-drivers)");
    if (result)
        return cgv_vk_fail(result, "creating the Vulkan instance");
    volkLoadInstanceOnly(device->instance);
    if (validate) {
        // Not volk's pointers: those belong to the instance loaded last, which may be another.
        PFN_vkCreateDebugUtilsMessengerEXT create =
            (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                device->instance, "vkCreateDebugUtilsMessengerEXT");
        result = create(device->instance, &messenger, NULL, &device->messenger);
        if (result)
            return cgv_vk_fail(result, "creating the validation messenger");
    }
    return CGV_OK;
}

void cgv_instance_destroy(cgv_device *device) {
    if (device->messenger) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                device->instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(device->instance, device->messenger, NULL);
    }
    if (device->instance)
        vkDestroyInstance(device->instance, NULL);
}

static cgv_device_type device_type(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return CGV_DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return CGV_DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return CGV_DEVICE_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return CGV_DEVICE_CPU;
    default:
        return CGV_DEVICE_OTHER;
    }
}

// What the device lacks, or NULL.
static const char *missing(const VkPhysicalDeviceProperties *properties,
                           const VkPhysicalDeviceSubgroupProperties *subgroup,
                           const VkPhysicalDeviceFeatures *features,
                           const VkPhysicalDeviceVulkan12Features *features12) {
    VkSubgroupFeatureFlags operations =
        VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT;
    if (properties->apiVersion < VK_API_VERSION_1_2)
        return "Vulkan 1.2";
    if (!features12->bufferDeviceAddress)
        return "buffer device addresses";
    if (!features12->timelineSemaphore)
        return "timeline semaphores";
    if (!features->shaderInt64)
        return "64-bit integers in shaders";
    if ((subgroup->supportedOperations & operations) != operations ||
        !(subgroup->supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) || subgroup->subgroupSize < 4)
        return "subgroup broadcast in compute shaders";
    return NULL;
}

static void describe(VkPhysicalDevice physical, cgv_device_info *info) {
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceIDProperties id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
                                       .pNext = &driver};
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, .pNext = &id};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};
    VkPhysicalDeviceVulkan12Features features12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &features12};
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceProperties(physical, &properties.properties);
    if (properties.properties.apiVersion >= VK_API_VERSION_1_2) {
        vkGetPhysicalDeviceProperties2(physical, &properties);
        vkGetPhysicalDeviceFeatures2(physical, &features);
    }
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);

    info->type = device_type(properties.properties.deviceType);
    snprintf(info->name, sizeof info->name, "%s", properties.properties.deviceName);
    snprintf(info->driver, sizeof info->driver, "%s %s", driver.driverName, driver.driverInfo);
    for (unsigned i = 0; i < VK_UUID_SIZE; i++)
        snprintf(info->uuid + 2 * i, 3, "%02x", id.deviceUUID[i]);
    for (uint32_t i = 0; i < memory.memoryHeapCount; i++)
        if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT &&
            memory.memoryHeaps[i].size > info->memory)
            info->memory = memory.memoryHeaps[i].size;
    info->subgroup = subgroup.subgroupSize;
    const char *lacks = missing(&properties.properties, &subgroup, &features.features, &features12);
    info->usable = !lacks;
    snprintf(info->lacks, sizeof info->lacks, "%s", lacks ? lacks : "");
}

cgv_status cgv_instance_devices(VkInstance instance, VkPhysicalDevice **physical,
                                cgv_device_info **info, int *count) {
    uint32_t found = 0;
    VkResult result = vkEnumeratePhysicalDevices(instance, &found, NULL);
    if (result)
        return cgv_vk_fail(result, "listing Vulkan devices");
    *physical = calloc(found + 1, sizeof **physical);
    *info = calloc(found + 1, sizeof **info);
    if (!*physical || !*info)
        return cgv_fail(CGV_ERROR_MEMORY, "listing Vulkan devices: out of memory");
    result = vkEnumeratePhysicalDevices(instance, &found, *physical);
    if (result)
        return cgv_vk_fail(result, "listing Vulkan devices");
    *count = (int)found;
    for (int i = 0; i < *count; i++) {
        (*info)[i].index = i;
        describe((*physical)[i], &(*info)[i]);
    }
    return CGV_OK;
}

cgv_status cgv_device_list(cgv_device_info **out, int *count) {
    cgv_device scratch = {0};
    VkPhysicalDevice *physical = NULL;
    *out = NULL;
    *count = 0;
    cgv_status status = cgv_instance_create(&scratch, false);
    if (!status)
        status = cgv_instance_devices(scratch.instance, &physical, out, count);
    if (status)
        cgv_device_list_free(out);
    free(physical);
    cgv_instance_destroy(&scratch);
    return status;
}

void cgv_device_list_free(cgv_device_info **list) {
    if (!list)
        return;
    free(*list);
    *list = NULL;
}

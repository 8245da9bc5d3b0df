// Whether a device has matrix units that shaders can use, and of which shape.
#include <stdlib.h>
#include <string.h>

#include "gpu/internal.h"
#include "gpu/matrix_khr.h"

static bool features_present(VkPhysicalDevice physical) {
    cgv_matrix_features matrix = {.sType = (VkStructureType)CGV_STRUCTURE_MATRIX_FEATURES};
    VkPhysicalDeviceVulkan12Features features12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &matrix};
    vkGetPhysicalDeviceFeatures2(
        physical, &(VkPhysicalDeviceFeatures2){
                      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features12});
    return matrix.cooperativeMatrix && features12.shaderFloat16 && features12.vulkanMemoryModel;
}

// Half precision in, single precision added up, by one subgroup.
static bool usable(const cgv_matrix_properties *p) {
    return p->a == CGV_COMPONENT_FLOAT16 && p->b == CGV_COMPONENT_FLOAT16 &&
           p->c == CGV_COMPONENT_FLOAT32 && p->result == CGV_COMPONENT_FLOAT32 &&
           p->scope == CGV_SCOPE_SUBGROUP && p->n % 8 == 0 && p->k % 8 == 0;
}

cgv_matrix_shape cgv_matrix_find(VkInstance instance, VkPhysicalDevice physical) {
    cgv_matrix_shape best = {0};
    const char *set = getenv("CGV_MATRIX");
    if ((set && !strcmp(set, "off")) || !features_present(physical))
        return best;
    cgv_get_matrix_properties get =
        (cgv_get_matrix_properties)vkGetInstanceProcAddr(instance, CGV_GET_MATRIX_PROPERTIES);
    cgv_matrix_properties list[64];
    uint32_t count = sizeof list / sizeof *list;
    for (uint32_t i = 0; i < count; i++)
        list[i] =
            (cgv_matrix_properties){.sType = (VkStructureType)CGV_STRUCTURE_MATRIX_PROPERTIES};
    if (!get || get(physical, &count, list) < 0)
        return best;
    // The largest: fewest instructions.
    for (uint32_t i = 0; i < count; i++)
        if (usable(&list[i]) && list[i].m * list[i].n * list[i].k > best.m * best.n * best.k)
            best = (cgv_matrix_shape){list[i].m, list[i].n, list[i].k};
    return best;
}

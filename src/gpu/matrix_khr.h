// VK_KHR_cooperative_matrix, as far as it is used here, for headers that are older than it (Debian
// 12 has 1.3.239). Values from the Vulkan registry.
#ifndef CGV_GPU_MATRIX_KHR_H
#define CGV_GPU_MATRIX_KHR_H

#include <volk.h>

#define CGV_MATRIX_EXTENSION "VK_KHR_cooperative_matrix"

enum {
    CGV_STRUCTURE_MATRIX_FEATURES = 1000506000,
    CGV_STRUCTURE_MATRIX_PROPERTIES = 1000506001,
    CGV_COMPONENT_FLOAT16 = 0,
    CGV_COMPONENT_FLOAT32 = 1,
    CGV_SCOPE_SUBGROUP = 3,
};

typedef struct cgv_matrix_features {
    VkStructureType sType;
    void *pNext;
    VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
} cgv_matrix_features;

// result [m, n] = a [m, k] * b [k, n] + c [m, n]
typedef struct cgv_matrix_properties {
    VkStructureType sType;
    void *pNext;
    uint32_t m, n, k;
    int32_t a, b, c, result; // types of components
    VkBool32 saturating;
    int32_t scope;
} cgv_matrix_properties;

typedef VkResult(VKAPI_PTR *cgv_get_matrix_properties)(VkPhysicalDevice device, uint32_t *count,
                                                       cgv_matrix_properties *properties);
#define CGV_GET_MATRIX_PROPERTIES "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"

#endif

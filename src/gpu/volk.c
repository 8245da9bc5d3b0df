// The one place where volk, the loader of Vulkan's functions, is compiled.
#define VK_NO_PROTOTYPES
#define VOLK_IMPLEMENTATION
#include <volk.h>

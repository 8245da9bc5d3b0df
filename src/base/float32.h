// Single precision by nature: numbers of files and of Vulkan. What networks compute in is `float`,
// which a build of the tests turns into double (docs/numerics.md).
#ifndef CGV_BASE_FLOAT32_H
#define CGV_BASE_FLOAT32_H

typedef float float32;

#endif

// Part of every program of an address sanitizer build. Mesa and LLVM keep some memory to the end;
// to be recognised as the driver's and not ours, they must still be loaded when leaks are looked
// for, and the Vulkan loader unloads them with the last instance.
#include <dlfcn.h>
#include <stddef.h>

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void) {
    return "leak:libvulkan_lvp\nleak:libLLVM\nleak:libVkLayer\n";
}

__attribute__((constructor)) static void keep_loaded(void) {
    static const char *const names[] = {"libvulkan_lvp.so", "libVkLayer_khronos_validation.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)dlopen(names[i], RTLD_LAZY | RTLD_NODELETE); // absent: nothing to keep
}

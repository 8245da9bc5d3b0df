// Part of every program of a sanitizer build: what Mesa and FFmpeg do, which are not instrumented,
// is not reported as ours.
#include <dlfcn.h>
#include <stddef.h>

const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void);
const char *__tsan_default_suppressions(void);

// Tests count the lines of messages.
const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}

const char *__lsan_default_suppressions(void) {
    return "leak:libvulkan_lvp\nleak:libLLVM\nleak:libVkLayer\nleak:libx265\n";
}

const char *__tsan_default_suppressions(void) {
    return "deadlock:libVkLayer\ndeadlock:libvulkan_lvp\n"
           "race:libvulkan_lvp\nrace:libLLVM\nrace:libVkLayer\n"
           "race:libavutil\nrace:libavcodec\nrace:libavformat\nrace:libswscale\n";
}

// Mesa and LLVM keep some memory to the end. To be recognised as theirs, it must belong to a
// library that is still loaded when leaks are looked for; the Vulkan loader unloads them with the
// last instance.
__attribute__((constructor)) static void keep_loaded(void) {
    static const char *const names[] = {"libvulkan_lvp.so", "libVkLayer_khronos_validation.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)dlopen(names[i], RTLD_LAZY | RTLD_NODELETE); // absent: nothing to keep
}

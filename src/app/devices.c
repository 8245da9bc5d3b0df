// cgvideo devices: the Vulkan devices of this machine, and which one would be used.
#include "app/app.h"
#include "base/log.h"

static const char *type_name(cgv_device_type type) {
    static const char *const names[] = {
        [CGV_DEVICE_DISCRETE] = "discrete", [CGV_DEVICE_INTEGRATED] = "integrated",
        [CGV_DEVICE_VIRTUAL] = "virtual",   [CGV_DEVICE_CPU] = "cpu",
        [CGV_DEVICE_OTHER] = "other",
    };
    return names[type];
}

// The index that cgv_device_create picks, or -1.
static int picked(const cgv_app_common *common) {
    cgv_device *device;
    cgv_device_params params = {.select = common->gpu, .cache_dir = ""};
    if (cgv_device_create(&device, &params))
        return -1;
    int index = cgv_device_get_info(device)->index;
    cgv_device_destroy(&device);
    return index;
}

static void print_device(const cgv_device_info *info, bool chosen) {
    printf("%c %d  %-10s  %s\n", chosen ? '*' : ' ', info->index, type_name(info->type),
           info->name);
    printf("     driver  %s\n", info->driver);
    printf("     memory  %.1f GiB\n", (double)info->memory / (1 << 30));
    printf("     uuid    %s\n", info->uuid);
    if (info->usable)
        printf("     usable  yes, subgroups of %u\n", info->subgroup);
    else
        printf("     usable  no: it lacks %s\n", info->lacks);
}

int cgv_app_devices(int argc, char **argv) {
    static const cgv_cli_option options[] = {CGV_APP_COMMON_OPTIONS, {0}};
    cgv_app_common common = {.hide_banner = true};
    int words;
    if (cgv_cli_parse(options, &common, argc, argv, NULL, 0, &words) || cgv_app_begin(&common))
        return CGV_EXIT_USAGE;
    if (common.help) {
        puts("cgvideo devices [options]: list the Vulkan devices; * marks the one that is used");
        cgv_cli_help(options, stdout);
        return CGV_EXIT_OK;
    }
    cgv_device_info *list;
    int count;
    if (cgv_device_list(&list, &count))
        return CGV_EXIT_FAILED;
    int chosen = count ? picked(&common) : -1;
    for (int i = 0; i < count; i++)
        print_device(&list[i], list[i].index == chosen);
    if (!count)
        cgv_log(CGV_LOG_ERROR, "no Vulkan device: install a driver (mesa-vulkan-drivers has one "
                               "that runs on the CPU)");
    cgv_device_list_free(&list);
    return chosen >= 0 ? CGV_EXIT_OK : CGV_EXIT_FAILED;
}

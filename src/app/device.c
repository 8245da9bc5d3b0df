// Options and device handling that the subcommands share.
#include <signal.h>

#include "app/app.h"
#include "app/console.h"
#include "base/log.h"

const char *const cgv_app_precision_names[] = {"auto", "fp32", "fp16", NULL};

cgv_status cgv_app_begin(const cgv_app_common *common) {
    cgv_log_level level = CGV_LOG_INFO;
    if (common->loglevel) {
        cgv_status status = cgv_console_level(&level, common->loglevel);
        if (status)
            return status;
    }
    cgv_console_init(level);
    if (!common->hide_banner)
        cgv_log(CGV_LOG_INFO, "cgvideo %s", cgv_version());
    return CGV_OK;
}

void cgv_app_catch_hangup(void (*handler)(int)) {
    struct sigaction before;
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &(struct sigaction){.sa_handler = handler}, NULL);
}

cgv_status cgv_app_open_device(cgv_device **out, const cgv_app_common *common) {
    cgv_device_params params = {.select = common->gpu};
    cgv_status status = cgv_device_create(out, &params);
    if (status)
        return status;
    const cgv_device_info *info = cgv_device_get_info(*out);
    cgv_log(CGV_LOG_INFO, "device %d: %s (%s)", info->index, info->name, info->driver);
    if (info->type == CGV_DEVICE_CPU)
        cgv_log(CGV_LOG_WARNING, "this Vulkan device is the CPU: expect it to be slow");
    return CGV_OK;
}

int cgv_app_close_device(cgv_device **device, int code) {
    if (*device && cgv_device_validation_messages(*device) && code == CGV_EXIT_OK) {
        cgv_log(CGV_LOG_ERROR, "the Vulkan validation layer reported %d problems",
                cgv_device_validation_messages(*device));
        code = CGV_EXIT_FAILED;
    }
    cgv_device_destroy(device);
    return code;
}

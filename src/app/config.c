#include "app/config.h"

#include <string.h>

#include "base/log.h"

static json_t *value_of(const cgv_cli_option *option, const void *target) {
    const void *field = (const char *)target + option->offset;
    const cgv_cli_size *size = field;
    switch (option->kind) {
    case CGV_CLI_FLAG:
        return json_boolean(*(const bool *)field);
    case CGV_CLI_TEXT: {
        const char *text = *(const char *const *)field;
        return text ? json_string(text) : json_null();
    }
    case CGV_CLI_INT:
        return json_integer(*(const int *)field);
    case CGV_CLI_REAL:
        return json_real(*(const double *)field);
    case CGV_CLI_SIZE:
        return json_sprintf("%dx%d", size->width, size->height);
    case CGV_CLI_CHOICE:
        return json_string(option->choices[*(const int *)field]);
    }
    return NULL;
}

json_t *cgv_config_write(const cgv_cli_option *options, const void *target) {
    json_t *config = json_object();
    for (; config && options->name; options++)
        if (!options->transient &&
            json_object_set_new(config, options->name, value_of(options, target))) {
            json_decref(config);
            config = NULL;
        }
    return config;
}

static cgv_status read_value(const cgv_cli_option *option, void *target, const json_t *value,
                             const char *where) {
    void *field = (char *)target + option->offset;
    char text[64];
    switch (option->kind) {
    case CGV_CLI_FLAG:
        if (!json_is_boolean(value))
            break;
        *(bool *)field = json_is_true(value);
        return CGV_OK;
    case CGV_CLI_TEXT:
        if (!json_is_string(value) && !json_is_null(value))
            break;
        *(const char **)field = json_string_value(value);
        return CGV_OK;
    case CGV_CLI_INT:
    case CGV_CLI_REAL:
        // Through text, so that the limits of the table hold.
        snprintf(text, sizeof text, "%.17g", json_number_value(value));
        return json_is_number(value)
                   ? cgv_cli_set(option, target, text)
                   : cgv_fail(CGV_ERROR_FORMAT, "%s: %s is not a number", where, option->name);
    case CGV_CLI_SIZE:
    case CGV_CLI_CHOICE:
        if (!json_is_string(value))
            break;
        return cgv_cli_set(option, target, json_string_value(value));
    }
    return cgv_fail(CGV_ERROR_FORMAT, "%s: %s has a value of the wrong type", where, option->name);
}

cgv_status cgv_config_read(const cgv_cli_option *options, void *target, const json_t *config,
                           const char *where) {
    const char *name;
    json_t *value;
    if (!json_is_object(config))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: not a configuration", where);
    json_object_foreach ((json_t *)config, name, value) {
        const cgv_cli_option *option = options;
        while (option->name && (option->transient || strcmp(option->name, name)))
            option++;
        if (!option->name)
            return cgv_fail(CGV_ERROR_FORMAT, "%s: unknown setting '%s': made by another version?",
                            where, name);
        cgv_status status = read_value(option, target, value, where);
        if (status)
            return status;
    }
    return CGV_OK;
}

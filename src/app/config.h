// A run's configuration as JSON: the options of a command, by name, in the order of its table, so
// that one table serves the command line, the help and the file.
#ifndef CGV_APP_CONFIG_H
#define CGV_APP_CONFIG_H

#include <jansson.h>

#include "app/cli.h"

// The options that are not transient; NULL when out of memory. Texts that are NULL become null.
json_t *cgv_config_write(const cgv_cli_option *options, const void *target);

// Set the options that `config` names. Texts point into `config`, which must outlive the target.
// `where` names the file in messages. Unknown names are an error: a run of another version.
CGV_NODISCARD cgv_status cgv_config_read(const cgv_cli_option *options, void *target,
                                         const json_t *config, const char *where);

#endif

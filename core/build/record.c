/* SPDX-License-Identifier: Apache-2.0 */
/* The build record: schema assay-build/1. */
#include "build/build.h"

#include <sys/utsname.h>

static void write_tool(asy_json *json)
{
    asy_json_object(json, "tool");
    asy_json_str(json, "name", "assay");
    asy_json_str(json, "version", ASY_VERSION);
    asy_json_end(json);
}

static void write_host(asy_json *json)
{
    struct utsname name;
    if (uname(&name) != 0)
        return;
    asy_json_object(json, "host");
    asy_json_str(json, "kernel", name.sysname);
    asy_json_str(json, "release", name.release);
    asy_json_str(json, "machine", name.machine);
    asy_json_end(json);
}

static void write_plan(const asy_build *build, asy_json *json)
{
    asy_json_object(json, "recipe");
    asy_json_str(json, "name", build->plan.recipe);
    asy_json_str(json, "command", build->plan.command);
    asy_json_str(json, "directory", build->plan.build_dir);
    asy_json_array(json, "outputs");
    for (char **glob = build->plan.outputs; glob && *glob; glob++)
        asy_json_str(json, NULL, *glob);
    asy_json_end(json);
    asy_json_end(json);
}

static void write_limit(asy_json *json, const char *name, uint64_t value, const char *holder)
{
    asy_json_object(json, name);
    asy_json_u64(json, "limit", value);
    asy_json_str(json, "held_by", holder);
    asy_json_end(json);
}

static void write_limits(const asy_build_request *request, const asy_build *build, asy_json *json)
{
    const asy_sandbox_limits *limits = &request->limits;
    asy_sandbox_holders holders = {NULL, NULL, NULL, NULL};
    if (build->ran)
        holders = build->run.holders;
    asy_json_object(json, "limits");
    write_limit(json, "seconds", (uint64_t)limits->seconds, holders.seconds);
    write_limit(json, "memory", limits->memory, holders.memory);
    write_limit(json, "processes", limits->processes, holders.processes);
    write_limit(json, "disk", limits->disk, holders.disk);
    asy_json_end(json);
}

static void write_run(const asy_build *build, asy_json *json)
{
    const asy_sandbox_result *run = &build->run;
    asy_json_object(json, "run");
    if (run->exited)
        asy_json_i64(json, "exit_code", run->exit_code);
    else
        asy_json_i64(json, "signal", run->signal);
    asy_json_str(json, "limit_hit", run->limit_hit);
    asy_json_double(json, "seconds", run->seconds);
    asy_json_double(json, "setup_seconds", run->setup_seconds);
    asy_json_u64(json, "peak_memory", run->peak_memory);
    asy_json_end(json);
}

static void write_outputs(const asy_build *build, asy_json *json)
{
    asy_json_array(json, "outputs");
    for (size_t i = 0; i < build->output_count; i++) {
        const asy_build_output *output = &build->outputs[i];
        asy_json_object(json, NULL);
        asy_json_str(json, "name", output->name);
        asy_json_u64(json, "size", output->size);
        asy_json_sha256(json, "sha256", &output->sha256);
        asy_json_end(json);
    }
    asy_json_end(json);
}

static void write_environment(const asy_build *build, asy_json *json)
{
    asy_json_array(json, "environment");
    for (char **variable = build->env; variable && *variable; variable++)
        asy_json_str(json, NULL, *variable);
    asy_json_end(json);
}

static void write_log(const asy_build *build, asy_json *json)
{
    if (!build->has_log) {
        asy_json_null(json, "log");
        return;
    }
    asy_json_object(json, "log");
    asy_json_str(json, "name", "build.log");
    asy_json_u64(json, "size", build->log_size);
    asy_json_sha256(json, "sha256", &build->log_sha256);
    asy_json_end(json);
}

void asy_build_json(const asy_build_request *request, const asy_build *build, asy_json *json,
                    const char *key)
{
    asy_json_object(json, key);
    asy_json_str(json, "schema", "assay-build/1");
    write_tool(json);
    asy_json_str(json, "status", asy_build_status_name(build->status));
    asy_json_str(json, "reason", build->reason);
    if (build->has_source)
        asy_source_json(&build->source, json, "source");
    if (build->has_root)
        asy_root_json(&build->root, json, "root");
    if (build->has_plan)
        write_plan(build, json);
    write_environment(build, json);
    asy_json_bool(json, "network", request->network);
    write_limits(request, build, json);
    write_host(json);
    if (build->ran)
        write_run(build, json);
    asy_json_double(json, "seconds", build->seconds);
    write_outputs(build, json);
    write_log(build, json);
    asy_json_end(json);
}

// A dwf extension: shows hello.txt, and checks that it greets. It needs libjansson-dev (>= 2.11).
// cc -std=c11 -Wall -Wextra -Werror -O2 hello.c -o devflow-ext-hello-c -ljansson
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define JSON(...) json_loads(#__VA_ARGS__, 0, NULL) // plain JSON stands between the brackets
#define FAILURE(...) JSON({"error": {__VA_ARGS__}})
#define MISFIT FAILURE("code": -32602, "message": "the parameters do not fit the method")
static json_t *answer(const char *method, json_t *params) {
    json_t *list = json_object_get(params, "protocols"), *more = json_object_get(params, "args"), *step = NULL;
    if (!strcmp(method, "initialize")) {
        for (size_t i = 0; i < json_array_size(list); i++) if (json_number_value(json_array_get(list, i)) == 1)
            return JSON({"result": {"protocol": 1, "extension": {"name": "hello-c", "version": "0.1.0"}}});
        return json_is_array(list) ? FAILURE("code": 1001, "message": "speaks protocol 1", "data": {"supported": [1]}) : MISFIT;
    }
    int describe = !strcmp(method, "project/describe");
    const char *root, *dir, *command = json_string_value(json_object_get(params, "command")); struct stat info;
    if (!describe && strcmp(method, "command/resolve")) return FAILURE("code": -32601, "message": "unknown method");
    if (json_unpack(params, "{s:{s:s, s:s}}", "project", "root", &root, "dir", &dir) || !(describe || command)) return MISFIT;
    json_t *path = json_sprintf("%s/%s/hello.txt", root, dir);
    int found = !stat(json_string_value(path), &info) && S_ISREG(info.st_mode); json_decref(path);
    if (describe && !found) return JSON({"result": {"applies": false, "because": ["no hello.txt"], "reads": ["hello.txt"]}});
    if (describe) return JSON({"result": {"applies": true, "because": ["hello.txt"], "reads": ["hello.txt"], "commands": [
        {"name": "test:unit", "summary": "cat hello.txt"}, {"name": "lint:static", "summary": "grep -i hello hello.txt"}]}});
    if (!strcmp(command, "test:unit")) step = JSON({"program": "cat", "args": ["hello.txt"]});
    if (!strcmp(command, "lint:static")) step = JSON({"program": "grep", "args": ["-i", "hello", "hello.txt"]});
    if (!step) return FAILURE("code": 2001, "message": "unknown command", "data": {"known": ["test:unit", "lint:static"]});
    for (size_t i = 0; i < (json_is_array(more) ? json_array_size(more) : more != NULL); i++) {
        const char *plain = json_string_value(json_array_get(more, i));
        if (!plain) return json_decref(step), MISFIT;
        char *copy = malloc(2 * strlen(plain) + 1), *end = copy;
        for (; *plain; *end++ = *plain++) if (*plain == '$') *end++ = '$'; // in a template $$ is a plain $
        json_array_append_new(json_object_get(step, "args"), json_stringn(copy, end - copy)), free(copy);
    }
    return json_pack("{s:{s:{s:[o]}}}", "result", "action", "steps", step);
}
int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--version")) return puts("devflow-ext-hello-c 0.1.0") < 0;
    if (!getenv("DWF_EXT_PROTOCOLS") || argc < 2 || strcmp(argv[1], "--stdio"))
        return fputs("devflow-ext-hello-c is an extension of dwf; run it through dwf\n", stderr), 64;
    FILE *wire = fdopen(dup(1), "w"); dup2(2, 1); // from here on, printf() goes to standard error
    static char *line, *jsonrpc, *method, *unused; static size_t room; json_t *id, *reply;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        if (strspn(line, " \t\r\n") < (size_t)size && ((id = json_object_get(request, "id")) || !json_is_object(request))) {
            if (!request) reply = FAILURE("code": -32700, "message": "the line is not JSON");
            else if (json_unpack(request, "{s:s, s:s, s:s}", "id", &unused, "jsonrpc", &jsonrpc, "method", &method)
                || strcmp(jsonrpc, "2.0")) reply = FAILURE("code": -32600, "message": "not a request of JSON-RPC 2.0");
            else reply = answer(method, json_object_get(request, "params"));
            json_object_update_new(reply, json_pack("{s:s, s:O?}", "jsonrpc", "2.0", "id", json_is_string(id) ? id : NULL));
            if (!wire || json_dumpf(reply, wire, JSON_COMPACT) || putc('\n', wire) == EOF || fflush(wire)) return 1;
            json_decref(reply);
        }
        json_decref(request);
    }
}

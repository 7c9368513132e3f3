/* Safetensors files whose writers are killed, starved of space, or not alone: what is there is
 * whole. */
#include "support/folder.h"
#include "support/support.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/context.h"
#include "io/safetensors.h"

static const char *const caller = "a_function";

enum { WRITERS = 2, VALUES = 4000 };

/* Content number i: of a length of its own, filled with i. */
static icl_status save(icl_context *context, const char *path, int i) {
    static double values[VALUES + WRITERS];
    for (int k = 0; k < VALUES + WRITERS; k++)
        values[k] = i;
    const icl_safetensor tensor = {
        .name = "a", .dtype = ICL_DTYPE_F64, .rank = 1, .shape = {VALUES + i}, .data = values};
    return icl_safetensors_save(context, caller, path, &tensor, 1, NULL, 0);
}

/* The number of the content; the file must be one of them from the first byte to the last. */
static int load(icl_context *context, const char *path) {
    icl_safetensors *file;
    ASSERT_OK(context, icl_safetensors_load(context, caller, path, 1, &file));
    const icl_safetensor *t = icl_safetensors_find(file, "a");
    ck_assert_ptr_nonnull(t);
    const double *values = t->data;
    int i = (int)values[0];
    ck_assert_int_eq(t->shape[0], VALUES + i);
    for (int64_t k = 0; k < t->shape[0]; k++)
        ck_assert(values[k] == i);
    icl_safetensors_free(file);
    return i;
}

/* A child that is about to save `rounds` times: content `first` and `second` in turn. */
static pid_t start_writer(const char *path, int first, int second, int rounds) {
    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child != 0) {
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        close(ready[1]);
        return child;
    }
    icl_context *context;
    if (icl_context_create(NULL, &context) != ICL_OK || write(ready[1], &byte, 1) != 1)
        _exit(2);
    icl_status status = ICL_OK;
    for (int i = 0; i < rounds && status == ICL_OK; i++)
        status = save(context, path, i % 2 == 0 ? first : second);
    icl_context_free(context);
    _exit(status != ICL_OK);
}

static void wait_for(int64_t microseconds) {
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        ;
}

START_TEST(a_killed_writer_leaves_a_whole_file) {
    enum { KILLS = 100 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    int seen[WRITERS] = {0}, drafts = 0;
    ASSERT_OK(context, save(context, in_folder(&f, "x", path), 0));
    double start = icl_clock();
    for (int i = 0; i < 10; i++)
        ASSERT_OK(context, save(context, path, 0));
    double round = (icl_clock() - start) * 1e6 / 10;
    for (int i = 0; i < KILLS; i++) {
        pid_t child = start_writer(path, 1, 0, 1 << 20);
        int status;
        /* anywhere within about three saves: the fractions of the golden ratio */
        wait_for((int64_t)(3 * round * fmod(i * 0.6180339887498949, 1)));
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        seen[load(context, path)]++;
        int files = count_files(&f);
        ck_assert_int_le(files, 2); /* the file, and what the killed one was writing */
        drafts += files - 1;
    }
    ck_assert_int_gt(seen[0], 0);
    ck_assert_int_gt(seen[1], 0);
    ck_assert_int_gt(drafts, 0);
    ASSERT_OK(context, save(context, path, 0));
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x"); /* and no draft */
}
END_TEST

START_TEST(two_writers_never_mix) {
    enum { ROUNDS = 100 };
    folder f = make_folder();
    char path[FOLDER_PATH];
    int seen[WRITERS] = {0}, running = WRITERS;
    in_folder(&f, "x", path);
    for (int i = 0; i < WRITERS; i++)
        start_writer(path, i, i, ROUNDS);
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    ASSERT_OK(context, save(context, path, 0));
    while (running > 0) {
        int status;
        if (waitpid(-1, &status, WNOHANG) > 0) {
            ck_assert(WIFEXITED(status));
            ck_assert_int_eq(WEXITSTATUS(status), 0);
            running--;
        }
        seen[load(context, path)]++;
    }
    ck_assert_int_gt(seen[0], 0);
    ck_assert_int_gt(seen[1], 0);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* Every length at which a disk may be full, of a file of 200 bytes and more. */
START_TEST(no_space_leaves_the_old_file) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    const uint8_t bytes[20] = {1};
    const icl_safetensor old = {
        .name = "old", .dtype = ICL_DTYPE_U8, .rank = 1, .shape = {20}, .data = bytes};
    const icl_safetensor new = {
        .name = "new", .dtype = ICL_DTYPE_U8, .rank = 1, .shape = {20}, .data = bytes};
    ASSERT_OK(context,
              icl_safetensors_save(context, caller, in_folder(&f, "x", path), &old, 1, NULL, 0));
    contents before = read_contents(path);
    struct rlimit all, few;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t limit = 0; limit < before.size; limit++) {
        few = all;
        few.rlim_cur = limit;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
        icl_status status = icl_safetensors_save(context, caller, path, &new, 1, NULL, 0);
        setrlimit(RLIMIT_FSIZE, &all);
        ck_assert_int_eq(status, ICL_ERR_IO);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), strerror(EFBIG)));
        assert_contents(path, before.bytes, before.size);
        ck_assert_int_eq(count_files(&f), 1);
    }
    signal(SIGXFSZ, handler);
    if (access("/dev/full", F_OK) == 0)
        ASSERT_FAILS(context, ICL_ERR_IO, strerror(ENOSPC),
                     icl_safetensors_save(context, caller, "/dev/full", &new, 1, NULL, 0));
    free(before.bytes);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* Files that the system has, or pretends to have. */
START_TEST(absurd_files_are_refused_before_memory_is_asked_for) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    icl_safetensors *file;
    write_contents(in_folder(&f, "x", path), "{\"no\": \"safetensors\"}", 21);
    ck_assert_int_eq(truncate(path, (off_t)1 << 42), 0); /* 4 TB, of which nothing is on the disk */
    ASSERT_FAILS(context, ICL_ERR_FORMAT, "no safetensors file",
                 icl_safetensors_load(context, caller, path, 0, &file));
    ck_assert_ptr_null(file);
    write_contents(path, "1234567", 7);
    ASSERT_FAILS(context, ICL_ERR_FORMAT, "cut short: it has 7 bytes",
                 icl_safetensors_load(context, caller, path, 0, &file));
    ASSERT_FAILS(context, ICL_ERR_IO, strerror(ENOENT),
                 icl_safetensors_load(context, caller, "/nonexistent", 0, &file));
    ASSERT_FAILS(context, ICL_ERR_IO, "Not a regular file",
                 icl_safetensors_load(context, caller, "/dev/zero", 0, &file));
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

RUN_SUITE("safetensors_kill", a_killed_writer_leaves_a_whole_file, two_writers_never_mix,
          no_space_leaves_the_old_file, absurd_files_are_refused_before_memory_is_asked_for)

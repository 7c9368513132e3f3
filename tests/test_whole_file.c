/* Files that are written as a whole or not at all, and read as a whole. */
#if defined(__linux__)
#define _GNU_SOURCE 1 /* unshare */
#include <sched.h>
#include <sys/mount.h>
#endif
#include "support/folder.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/whole_file.h"

static const char *const caller = "a_function";

static icl_status put(icl_context *context, const char *path, const char *text) {
    /* in pieces, one of them empty */
    size_t half = strlen(text) / 2;
    const icl_bytes pieces[] = {{text, half}, {NULL, 0}, {text + half, strlen(text) - half}};
    return icl_file_replace(context, caller, path, pieces, 3);
}

static mode_t mode_of(const char *path) {
    struct stat status;
    ck_assert_int_eq(lstat(path, &status), 0);
    return status.st_mode;
}

/* What every test has: a context, an empty folder, and the path of "x" in it. */
typedef struct place {
    icl_context *context;
    folder folder;
    char x[FOLDER_PATH];
} place;

static place enter(void) {
    place p = {.context = make_context(1, ICL_ISA_AUTO), .folder = make_folder()};
    in_folder(&p.folder, "x", p.x);
    return p;
}

static void leave(place *p, const char *const *names) {
    remove_folder(&p->folder, names);
    icl_context_free(p->context);
}
#define LEAVE(p, ...) leave((p), (const char *const[]){__VA_ARGS__, NULL})

/* ---- names and permissions ---- */

START_TEST(a_new_file_has_the_permissions_of_open) {
    place p = enter();
    mode_t mask = umask(027);
    ASSERT_OK(p.context, put(p.context, p.x, "text"));
    umask(mask);
    assert_contents(p.x, "text", 4);
    ck_assert_uint_eq(mode_of(p.x), S_IFREG | 0640);
    LEAVE(&p, "x");
}
END_TEST

START_TEST(an_old_file_keeps_its_permissions) {
    place p = enter();
    const mode_t modes[] = {0600, 0640, 0666, 0755};
    for (int i = 0; i < 4; i++) {
        write_contents(p.x, "before", 6);
        ck_assert_int_eq(chmod(p.x, modes[i]), 0);
        ASSERT_OK(p.context, put(p.context, p.x, "after"));
        assert_contents(p.x, "after", 5);
        ck_assert_uint_eq(mode_of(p.x), S_IFREG | modes[i]);
    }
    ASSERT_OK(p.context, put(p.context, p.x, ""));
    assert_contents(p.x, "", 0);
    LEAVE(&p, "x");
}
END_TEST

START_TEST(links_are_followed_and_stay) {
    place p = enter();
    char sub[FOLDER_PATH], link[FOLDER_PATH], real[FOLDER_PATH], first[FOLDER_PATH];
    ck_assert_int_eq(mkdir(in_folder(&p.folder, "sub", sub), 0777), 0);
    /* first -> sub/link -> ../x: relative to where the link stands */
    ck_assert_int_eq(symlink("../x", in_folder(&p.folder, "sub/link", link)), 0);
    ck_assert_int_eq(symlink("sub/link", in_folder(&p.folder, "first", first)), 0);
    ASSERT_OK(p.context, put(p.context, first, "new")); /* x is not there yet */
    assert_contents(p.x, "new", 3);
    ASSERT_OK(p.context, put(p.context, link, "newer"));
    assert_contents(p.x, "newer", 5);
    ck_assert(S_ISLNK(mode_of(first)) && S_ISLNK(mode_of(link)) && S_ISREG(mode_of(p.x)));
    /* absolute */
    in_folder(&p.folder, "sub/real", real);
    ck_assert_int_eq(unlink(first), 0);
    ck_assert_int_eq(symlink(real, first), 0);
    ASSERT_OK(p.context, put(p.context, first, "newest"));
    assert_contents(real, "newest", 6);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink("link", link), 0);
    ASSERT_FAILS(p.context, ICL_ERR_IO, strerror(ELOOP), put(p.context, link, "text"));
    ck_assert_int_eq(unlink(link) + unlink(real) + rmdir(sub), 0);
    LEAVE(&p, "x", "first");
}
END_TEST

START_TEST(a_bare_name_is_in_the_working_directory) {
    place p = enter();
    int home = open(".", O_RDONLY);
    ck_assert_int_eq(chdir(p.folder.path), 0);
    icl_status status = put(p.context, "x", "text");
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    ASSERT_OK(p.context, status);
    assert_contents(p.x, "text", 4);
    LEAVE(&p, "x");
}
END_TEST

START_TEST(the_longest_name_can_be_replaced) {
    place p = enter();
    char name[256], path[FOLDER_PATH];
    memset(name, 'n', 255);
    name[255] = '\0';
    in_folder(&p.folder, name, path);
    ASSERT_OK(p.context, put(p.context, path, "before"));
    ASSERT_OK(p.context, put(p.context, path, "after"));
    assert_contents(path, "after", 5);
    /* drafts of the shortened name differ in their numbers still */
    char other[FOLDER_PATH], draft[256];
    snprintf(draft, sizeof draft, ".%.200s.icl-0", name);
    ck_assert_int_eq(mkdir(in_folder(&p.folder, draft, other), 0777), 0);
    ASSERT_OK(p.context, put(p.context, path, "again"));
    assert_contents(path, "again", 5);
    ck_assert_int_eq(rmdir(other), 0);
    LEAVE(&p, name);
}
END_TEST

/* ---- refusals ---- */

START_TEST(what_cannot_be_written_is_named) {
    place p = enter();
    char missing[FOLDER_PATH], below[FOLDER_PATH], slash[FOLDER_PATH], pipe[FOLDER_PATH];
    char text[FOLDER_PATH + 64], endless[5000];
    write_contents(p.x, "text", 4);
    in_folder(&p.folder, "no/file", missing);
    in_folder(&p.folder, "x/below", below);
    in_folder(&p.folder, "none/", slash);
    ck_assert_int_eq(mkfifo(in_folder(&p.folder, "pipe", pipe), 0666), 0);
    memset(endless, '/', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    memcpy(endless + sizeof endless - 5, "here", 4);
    const struct {
        const char *path, *reason;
    } cases[] = {{missing, strerror(ENOENT)},  {below, strerror(ENOTDIR)},
                 {slash, strerror(EISDIR)},    {p.folder.path, strerror(EISDIR)},
                 {"/", strerror(EISDIR)},      {"", strerror(ENOENT)},
                 {pipe, "Not a regular file"}, {endless, strerror(ENAMETOOLONG)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].path);
        snprintf(text, sizeof text, "%s\": %s", cases[i].path + (length > 60 ? length - 60 : 0),
                 cases[i].reason);
        ASSERT_FAILS(p.context, ICL_ERR_IO, text, put(p.context, cases[i].path, "new"));
        ASSERT_FAILS(p.context, ICL_ERR_IO, "a_function: cannot write \"",
                     put(p.context, cases[i].path, "new"));
    }
    assert_contents(p.x, "text", 4);
    LEAVE(&p, "x", "pipe");
}
END_TEST

/* Root may write everywhere, so that it is somebody else for the time of a call. */
static icl_status put_without_rights(icl_context *context, const char *path) {
    int root = geteuid() == 0;
    if (root)
        ck_assert_int_eq(seteuid(65534), 0);
    icl_status status = put(context, path, "new");
    if (root)
        ck_assert_int_eq(seteuid(0), 0);
    return status;
}

START_TEST(folders_and_files_may_be_protected) {
    place p = enter();
    char y[FOLDER_PATH];
    write_contents(p.x, "text", 4);
    ck_assert_int_eq(chmod(p.x, 0444) + chmod(p.folder.path, 0777), 0);
    ASSERT_FAILS(p.context, ICL_ERR_IO, strerror(EACCES), put_without_rights(p.context, p.x));
    ck_assert_int_eq(chmod(p.x, 0666) + chmod(p.folder.path, 0555), 0);
    ASSERT_FAILS(p.context, ICL_ERR_IO, strerror(EACCES), put_without_rights(p.context, p.x));
    ASSERT_FAILS(p.context, ICL_ERR_IO, strerror(EACCES),
                 put_without_rights(p.context, in_folder(&p.folder, "y", y)));
    assert_contents(p.x, "text", 4);
    ck_assert_int_eq(count_files(&p.folder), 1);
    ck_assert_int_eq(chmod(p.folder.path, 0700), 0);
    LEAVE(&p, "x");
}
END_TEST

START_TEST(devices_are_written_in_place) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    ASSERT_OK(context, put(context, "/dev/null", "text"));
    ck_assert(S_ISCHR(mode_of("/dev/null")));
    if (access("/dev/full", F_OK) == 0) {
        ASSERT_FAILS(context, ICL_ERR_IO, strerror(ENOSPC), put(context, "/dev/full", "text"));
        ck_assert(S_ISCHR(mode_of("/dev/full")));
    }
    icl_context_free(context);
}
END_TEST

/* ---- full disks ---- */

/* Writing stops after `limit` bytes of a file. */
static icl_status put_limited(icl_context *context, const char *path, const char *text,
                              rlim_t limit) {
    struct rlimit old, low;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = limit;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
    icl_status status = put(context, path, text);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    return status;
}

START_TEST(a_limit_anywhere_leaves_the_old_file) {
    place p = enter();
    char y[FOLDER_PATH];
    const char *text = "sixteen bytes ..";
    write_contents(p.x, "before", 6);
    in_folder(&p.folder, "y", y);
    for (rlim_t limit = 0; limit < strlen(text); limit++) {
        ASSERT_FAILS(p.context, ICL_ERR_IO, strerror(EFBIG),
                     put_limited(p.context, p.x, text, limit));
        assert_contents(p.x, "before", 6);
        ASSERT_FAILS(p.context, ICL_ERR_IO, strerror(EFBIG),
                     put_limited(p.context, y, text, limit));
        ck_assert_int_eq(count_files(&p.folder), 1);
    }
    ASSERT_OK(p.context, put_limited(p.context, p.x, text, strlen(text)));
    assert_contents(p.x, text, strlen(text));
    LEAVE(&p, "x");
}
END_TEST

#if defined(__linux__)
enum { SMALL_DISK = 1 << 16, UNABLE = 77 };

/* In a process of its own, whose mounts nobody else sees: 0, UNABLE, or the line that failed. */
static int fill_small_disk(place *p) {
    char text[SMALL_DISK * 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", p->folder.path, "tmpfs", 0, "size=64k") != 0)
        return UNABLE;
    if (put(p->context, p->x, "before") != ICL_OK)
        return 1;
    if (put(p->context, p->x, text) != ICL_ERR_IO)
        return 2;
    if (strstr(icl_context_last_error(p->context), strerror(ENOSPC)) == NULL)
        return 3;
    assert_contents(p->x, "before", 6);
    if (count_files(&p->folder) != 1)
        return 4;
    text[SMALL_DISK / 2] = '\0'; /* there is room again */
    return put(p->context, p->x, text) == ICL_OK ? 0 : 5;
}

START_TEST(a_full_disk_leaves_the_old_file) {
    place p = enter();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(fill_small_disk(&p));
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == UNABLE)
        fprintf(stderr, "no tmpfs may be mounted here: the full disk was not tried\n");
    else
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    LEAVE(&p, NULL);
}
END_TEST
#endif

/* ---- drafts of others ---- */

START_TEST(a_draft_of_a_killed_run_is_removed) {
    place p = enter();
    char draft[FOLDER_PATH];
    write_contents(in_folder(&p.folder, ".x.icl-0", draft), "half", 4);
    ASSERT_OK(p.context, put(p.context, p.x, "text"));
    assert_contents(p.x, "text", 4);
    LEAVE(&p, "x");
}
END_TEST

START_TEST(a_draft_of_a_living_run_is_left) {
    place p = enter();
    char draft[FOLDER_PATH];
    write_contents(in_folder(&p.folder, ".x.icl-0", draft), "half", 4);
    int other = open(draft, O_WRONLY);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    ASSERT_OK(p.context, put(p.context, p.x, "text"));
    assert_contents(p.x, "text", 4);
    assert_contents(draft, "half", 4);
    close(other);
    LEAVE(&p, "x", ".x.icl-0");
}
END_TEST

START_TEST(nothing_else_that_has_a_drafts_name_is_touched) {
    place p = enter();
    char link[FOLDER_PATH], victim[FOLDER_PATH], directory[FOLDER_PATH];
    write_contents(in_folder(&p.folder, "victim", victim), "precious", 8);
    ck_assert_int_eq(symlink("victim", in_folder(&p.folder, ".x.icl-0", link)), 0);
    ck_assert_int_eq(mkdir(in_folder(&p.folder, ".x.icl-1", directory), 0777), 0);
    ASSERT_OK(p.context, put(p.context, p.x, "text"));
    assert_contents(p.x, "text", 4);
    assert_contents(victim, "precious", 8);
    ck_assert(S_ISLNK(mode_of(link)));
    ck_assert_int_eq(rmdir(directory), 0);
    LEAVE(&p, "x", "victim", ".x.icl-0");
}
END_TEST

START_TEST(too_many_drafts_are_refused) {
    place p = enter();
    char name[32], directory[FOLDER_PATH];
    int count = 0;
    icl_status status = ICL_OK;
    for (; status == ICL_OK && count < 1000; count++) {
        snprintf(name, sizeof name, ".x.icl-%d", count);
        ck_assert_int_eq(mkdir(in_folder(&p.folder, name, directory), 0777), 0);
        status = put(p.context, p.x, "text");
    }
    ck_assert_int_eq(status, ICL_ERR_IO);
    ck_assert_ptr_nonnull(strstr(icl_context_last_error(p.context), strerror(EBUSY)));
    while (count-- > 0) {
        snprintf(name, sizeof name, ".x.icl-%d", count);
        ck_assert_int_eq(rmdir(in_folder(&p.folder, name, directory)), 0);
    }
    LEAVE(&p, "x");
}
END_TEST

/* ---- several writers ---- */

enum { WRITERS = 4, ROUNDS = 40, LENGTH = 5000 };

typedef struct author {
    place *place;
    char text[LENGTH + 1];
    icl_status worst;
} author;

static void *write_often(void *user) {
    author *a = user;
    for (int i = 0; i < ROUNDS && a->worst == ICL_OK; i++)
        a->worst = put(a->place->context, a->place->x, a->text);
    return NULL;
}

START_TEST(threads_may_replace_one_file) {
    place p = enter();
    pthread_t threads[WRITERS];
    static author authors[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        authors[i] = (author){.place = &p};
        memset(authors[i].text, 'a' + i, LENGTH);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_often, &authors[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ASSERT_OK(p.context, authors[i].worst);
    }
    contents c = read_contents(p.x);
    ck_assert_uint_eq(c.size, LENGTH);
    for (size_t i = 1; i < c.size; i++)
        ck_assert_uint_eq(c.bytes[i], c.bytes[0]);
    free(c.bytes);
    LEAVE(&p, "x");
}
END_TEST

/* ---- reading ---- */

static icl_status get(icl_context *context, const char *path, char *bytes, int64_t most,
                      int64_t *size) {
    int descriptor;
    ICL_TRY(icl_file_open(context, caller, path, &descriptor, size));
    icl_status status =
        icl_file_read(context, caller, path, descriptor, bytes, *size < most ? *size : most);
    close(descriptor);
    return status;
}

START_TEST(files_are_read_as_a_whole) {
    place p = enter();
    char bytes[16];
    int64_t size;
    write_contents(p.x, "text\0more", 9);
    ASSERT_OK(p.context, get(p.context, p.x, bytes, 16, &size));
    ck_assert_int_eq(size, 9);
    ck_assert_mem_eq(bytes, "text\0more", 9);
    /* as if it had been cut after it was opened */
    int descriptor;
    ASSERT_OK(p.context, icl_file_open(p.context, caller, p.x, &descriptor, &size));
    ck_assert_int_eq(truncate(p.x, 5), 0);
    ASSERT_FAILS(p.context, ICL_ERR_FORMAT, "x\" is cut short: it ends 4 bytes too early",
                 icl_file_read(p.context, caller, p.x, descriptor, bytes, size));
    close(descriptor);
    LEAVE(&p, "x");
}
END_TEST

START_TEST(what_cannot_be_read_is_named) {
    place p = enter();
    char pipe[FOLDER_PATH], text[FOLDER_PATH], bytes[1];
    ck_assert_int_eq(mkfifo(in_folder(&p.folder, "pipe", pipe), 0666), 0);
    const struct {
        const char *path, *reason;
    } cases[] = {{p.x, strerror(ENOENT)},
                 {p.folder.path, strerror(EISDIR)},
                 {pipe, "Not a regular file"},
                 {"/dev/null", "Not a regular file"},
                 {"", strerror(ENOENT)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t size;
        snprintf(text, sizeof text, "a_function: cannot read \"%s\": %s", cases[i].path,
                 cases[i].reason);
        ASSERT_FAILS(p.context, ICL_ERR_IO, text, get(p.context, cases[i].path, bytes, 0, &size));
    }
    LEAVE(&p, "pipe");
}
END_TEST

START_TEST(excerpts_are_short_and_printable) {
    char copy[ICL_EXCERPT], text[300];
    ck_assert_str_eq(icl_excerpt("", copy), "");
    ck_assert_str_eq(icl_excerpt("a\n\x1b[1m\x7f\xc3\xa9", copy), "a??[1m?\xc3\xa9");
    for (size_t length = 0; length < sizeof text; length++) {
        for (size_t i = 0; i < length; i++)
            text[i] = "\xe2\x82\xac"[i % 3]; /* a character of three bytes */
        text[length] = '\0';
        icl_excerpt(text, copy);
        size_t kept = strlen(copy);
        ck_assert_uint_lt(kept, ICL_EXCERPT);
        if (length < ICL_EXCERPT) {
            ck_assert_str_eq(copy, text);
            continue;
        }
        ck_assert_int_eq(strncmp(copy, "...\xe2", 4), 0);
        ck_assert_uint_ge(kept, ICL_EXCERPT - 3);
        ck_assert_str_eq(copy + 3, text + length - (kept - 3));
    }
}
END_TEST

/* ---- memory ---- */

static icl_status put_x(icl_context *context, void *user) {
    return put(context, user, "after");
}

START_TEST(every_allocation_may_fail) {
    place p = enter();
    check_every_allocation(put_x, p.x);
    assert_contents(p.x, "after", 5);
    LEAVE(&p, "x");
}
END_TEST

#if defined(__linux__)
#define LINUX_TESTS a_full_disk_leaves_the_old_file,
#else
#define LINUX_TESTS
#endif

RUN_SUITE("whole_file", LINUX_TESTS a_new_file_has_the_permissions_of_open,
          an_old_file_keeps_its_permissions, links_are_followed_and_stay,
          a_bare_name_is_in_the_working_directory, the_longest_name_can_be_replaced,
          what_cannot_be_written_is_named, folders_and_files_may_be_protected,
          devices_are_written_in_place, a_limit_anywhere_leaves_the_old_file,
          a_draft_of_a_killed_run_is_removed, a_draft_of_a_living_run_is_left,
          nothing_else_that_has_a_drafts_name_is_touched, too_many_drafts_are_refused,
          threads_may_replace_one_file, files_are_read_as_a_whole, what_cannot_be_read_is_named,
          excerpts_are_short_and_printable, every_allocation_may_fail)

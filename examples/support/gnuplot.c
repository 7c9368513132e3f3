/* Runs gnuplot: fork and exec, standard streams redirected, files in a temporary directory. */
#include "gnuplot.h"
#include "options.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char ERRORS[] = "errors.txt";

/* In the child: opens the file as that descriptor. */
static int redirect(const char *path, int flags, int descriptor) {
    int opened = open(path, flags, 0600);
    if (opened < 0 || (opened != descriptor && dup2(opened, descriptor) < 0))
        return -1;
    if (opened != descriptor)
        close(opened);
    return 0;
}

/* Runs gnuplot in a directory; its exit status, or -1 where it could not be run. */
static int run(const char *directory, char *const *arguments, const char *errors) {
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        if (chdir(directory) == 0 && redirect("/dev/null", O_RDONLY, 0) == 0 &&
            redirect("/dev/null", O_WRONLY, 1) == 0 &&
            redirect(errors, O_WRONLY | O_CREAT | O_TRUNC, 2) == 0)
            execvp(arguments[0], arguments);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int gnuplot_present(void) {
    char program[] = "gnuplot", version[] = "--version";
    char *arguments[] = {program, version, NULL};
    return run("/", arguments, "/dev/null") == 0;
}

char *gnuplot_directory(void) {
    const char *parent = getenv("TMPDIR");
    if (!parent || parent[0] == '\0')
        parent = "/tmp";
    size_t size = strlen(parent) + sizeof "/libicl-plot-XXXXXX";
    char *name = malloc(size);
    if (!name)
        return NULL;
    snprintf(name, size, "%s/libicl-plot-XXXXXX", parent);
    if (mkdtemp(name))
        return name;
    int error = errno;
    free(name);
    errno = error;
    return NULL;
}

FILE *gnuplot_open(const char *directory, const char *name, const char *mode) {
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path)
        return NULL;
    snprintf(path, size, "%s/%s", directory, name);
    FILE *file = fopen(path, mode);
    int error = errno;
    free(path);
    errno = error;
    return file;
}

/* The line of gnuplot's complaint that says what is wrong: the last one that is not empty. */
static void first_words(const char *directory, char *words, size_t size) {
    FILE *file = gnuplot_open(directory, ERRORS, "r");
    char line[200];
    snprintf(words, size, "no reason given");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        const char *text = line + strspn(line, " \t^");
        if (text[0] != '\0')
            snprintf(words, size, "%s", text);
    }
    if (file)
        fclose(file);
}

int gnuplot_run(const char *directory, const char *script, char *message) {
    char program[] = "gnuplot", defaults[] = "-d"; /* -d: not the user's own start-up files */
    char *name = strdup(script);
    char *arguments[] = {program, defaults, name, NULL};
    int status = name ? run(directory, arguments, ERRORS) : -1;
    free(name);
    if (status == 0)
        return 0;
    char words[200], copy[OPTION_EXCERPT];
    first_words(directory, words, sizeof words);
    snprintf(message, OPTIONS_MESSAGE, "gnuplot failed: %s", option_excerpt(words, copy));
    return -1;
}

char *gnuplot_read(const char *directory, const char *name, size_t *size) {
    FILE *file = gnuplot_open(directory, name, "rb");
    if (!file)
        return NULL;
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *bytes = length >= 0 ? malloc((size_t)length + 1) : NULL;
    rewind(file);
    *size = bytes ? fread(bytes, 1, (size_t)length, file) : 0;
    fclose(file);
    if (bytes && *size == (size_t)length)
        return bytes;
    free(bytes);
    errno = EIO;
    return NULL;
}

void gnuplot_remove(char *directory) {
    DIR *list = directory ? opendir(directory) : NULL;
    if (list) {
        for (struct dirent *entry; (entry = readdir(list)) != NULL;)
            if (entry->d_name[0] != '.')
                unlinkat(dirfd(list), entry->d_name, 0);
        closedir(list);
    }
    if (directory)
        rmdir(directory);
    free(directory);
}

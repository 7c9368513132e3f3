/* Runs gnuplot as a program, without a shell, in a directory of its own. */
#ifndef EXAMPLES_GNUPLOT_H
#define EXAMPLES_GNUPLOT_H

#include <stddef.h>
#include <stdio.h>

/* 1 if a gnuplot on PATH answers. */
int gnuplot_present(void);

/* Makes a temporary directory, its name in malloc; NULL with errno. */
char *gnuplot_directory(void);

/* Opens a file of that directory; NULL with errno. */
FILE *gnuplot_open(const char *directory, const char *name, const char *mode);

/* Runs the script of that name there. 0, or -1 with gnuplot's own first words in message. */
int gnuplot_run(const char *directory, const char *script, char *message);

/* All bytes of a file of that directory, malloc; NULL with errno. */
char *gnuplot_read(const char *directory, const char *name, size_t *size);

/* Removes the directory with the files in it, and frees the name. NULL is legal. */
void gnuplot_remove(char *directory);

#endif

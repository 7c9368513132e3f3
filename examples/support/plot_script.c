/* The gnuplot script of a page: terminal, texts, one panel after another. */
#include "plot_sheet.h"

enum { SCALE = 2 }; /* pixels of a PNG for one of the SVG */

void plot_put_text(FILE *file, const char *text) {
    fputc('\'', file);
    for (; text && *text != '\0'; text++) {
        if (*text == '\'')
            fputc('\'', file);
        fputc(*text, file);
    }
    fputc('\'', file);
}

void plot_put_label(FILE *file, const plot_sheet *sheet, const char *text, double x, double y,
                    const char *words) {
    fputs("set label ", file);
    plot_put_text(file, text);
    fprintf(file, " at screen %.5f,%.5f noenhanced %s\n", x / sheet->width, 1 - y / sheet->height,
            words);
}

/* A PNG's fonts are in points, of 96 pixels an inch. */
double plot_font(const plot_sheet *sheet, double pixels) {
    return sheet->kind[0] == 'p' ? 0.75 * pixels : pixels;
}

double plot_point(const plot_sheet *sheet, double size) {
    return sheet->kind[0] == 'p' ? 1.5 * SCALE * size : size;
}

static void put_terminal(FILE *file, const plot_sheet *sheet) {
    double font = plot_font(sheet, PLOT_FONT);
    if (sheet->kind[0] == 'p')
        fprintf(file,
                "set terminal pngcairo size %.0f,%.0f enhanced font 'DejaVu Sans,%g' fontscale %d "
                "linewidth %d dashlength %d\n",
                SCALE * sheet->width, SCALE * sheet->height, font, SCALE, SCALE, SCALE);
    else
        fprintf(file,
                "set terminal svg size %.0f,%.0f enhanced font 'DejaVu Sans,%g' background "
                "'white'\n",
                sheet->width, sheet->height, font);
    fputs("set encoding utf8\nset output 'page.out'\n", file);
}

void plot_write_script(FILE *file, const void *what) {
    const plot_sheet *sheet = what;
    put_terminal(file, sheet);
    fputs("set multiplot title ", file);
    plot_put_text(file, sheet->page->title);
    fprintf(file, " noenhanced font ',%g'\n", plot_font(sheet, PLOT_TITLE_FONT));
    for (size_t i = 0; i < sheet->view_count; i++)
        plot_put_panel(file, sheet, &sheet->views[i]);
    fputs("unset multiplot\nset output\n", file);
}

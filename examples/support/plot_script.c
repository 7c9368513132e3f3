/* The gnuplot script of a page. Positions are in parts of the page, so that no text meets another.
 */
#include "plot_script.h"

#include <math.h>

/* Okabe and Ito 2008. */
static const char *const LINE_COLOURS[PLOT_LINES] = {"#0072B2", "#E69F00", "#009E73", "#CC79A7"};
static const char LEVEL_COLOUR[] = "#D55E00";

/* Where things stand, in parts of the page; the heat maps are square. */
enum { WIDE = 1280, NARROW = 720, HEIGHT = 430, SCALE = 2 };
enum { FEW = 40 }; /* points that are marked one by one */
static const double BOTTOM = 0.15, TOP = 0.80;

/* 'text', with quotes doubled as gnuplot wants them. */
static void put_text(FILE *file, const char *text) {
    fputc('\'', file);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputc('\'', file);
        fputc(*text, file);
    }
    fputc('\'', file);
}

static void put_terminal(FILE *file, const char *kind, int width) {
    if (kind[0] == 'p')
        fprintf(file,
                "set terminal pngcairo size %d,%d enhanced font 'DejaVu Sans,11' fontscale %d "
                "linewidth %d\n",
                SCALE * width, SCALE * HEIGHT, SCALE, SCALE);
    else
        fprintf(file,
                "set terminal svg size %d,%d enhanced font 'DejaVu Sans,11' background 'white'\n",
                width, HEIGHT);
    fputs("set encoding utf8\nset output 'page.out'\nset samples 2\nset datafile separator ','\n",
          file);
}

/* About five ticks at multiples of 1, 2 or 5 times a power of ten. */
static double tick_distance(double least, double most) {
    double rough = (most - least) / 5, power = pow(10, floor(log10(rough)));
    return (rough > 5 * power ? 10 : rough > 2 * power ? 5 : rough > power ? 2 : 1) * power;
}

static void put_linear_ticks(FILE *file, char axis, double least, double most) {
    double step = tick_distance(least, most);
    if (axis == 'x' && step < 1) /* steps are whole numbers */
        step = 1;
    fprintf(file, "set format %c '%%g'\nset %ctics %.17g\n", axis, axis, step);
}

/* The same, listed: on a logarithmic axis an increment would be a factor. */
static void put_listed_ticks(FILE *file, double least, double most) {
    double step = tick_distance(least, most);
    fputs("set format y '%g'\nset ytics (", file);
    for (double tick = ceil(least / step); tick * step <= most; tick++)
        fprintf(file, "%s%.6g", tick * step - step < least ? "" : ", ", tick * step);
    fputs(")\n", file);
}

/* A logarithmic axis: ticks at 1, 2, 5 where it has few decades, else at powers of ten. */
static void put_log_ticks(FILE *file, double least, double most) {
    double decades = log10(most / least);
    fputs("set logscale y\n", file);
    if (decades < 0.7) {
        put_listed_ticks(file, least, most);
    } else if (decades < 3) {
        fputs("set format y '%g'\nset ytics (", file);
        const char *separator = "";
        for (int k = (int)floor(log10(least)); k <= (int)ceil(log10(most)); k++)
            for (const char *digit = "125"; *digit != '\0'; digit++, separator = ", ")
                fprintf(file, "%s%ce%d", separator, *digit, k);
        fputs(")\n", file);
    } else {
        int step = (int)ceil(decades / 7);
        fprintf(file, "set format y '10^{%%T}'\nset ytics 1e%d\nset mytics %d\n", step,
                step > 1 ? step : 10);
    }
}

static void put_axes(FILE *file, const plot_page *page, const plot_scale *s, double right) {
    fprintf(file,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\n"
            "set bmargin at screen %.4f\nset tmargin at screen %.4f\n",
            page->matrix_count > 0 ? 0.072 : 0.135, right, BOTTOM, TOP);
    fprintf(file, "set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n", s->x_least, s->x_most,
            s->y_least, s->y_most);
    fputs("set border 3 lw 0.8 lc rgb '#404040'\nset tics nomirror out scale 0.6 textcolor rgb "
          "'#303030'\n"
          "set grid ytics lc rgb '#d0d0d0' lw 0.5\n"
          "set key at graph 0,1.03 left bottom horizontal reverse Left samplen 1.6 noenhanced\n",
          file);
    put_linear_ticks(file, 'x', s->x_least, s->x_most);
    fputs("set xlabel ", file);
    put_text(file, page->x_label);
    fputs(" noenhanced\nset ylabel ", file);
    put_text(file, page->y_label);
    fputs(" noenhanced\n", file);
}

static void put_curves(FILE *file, const plot_page *page, const plot_scale *s, double right) {
    put_axes(file, page, s, right);
    if (s->log_y)
        put_log_ticks(file, s->y_least, s->y_most);
    else
        put_linear_ticks(file, 'y', s->y_least, s->y_most);
    fputs("plot ", file);
    for (size_t i = 0; i < page->line_count; i++) {
        const char *style = page->lines[i].count <= FEW ? "linespoints pt 7 ps 0.5" : "lines";
        fprintf(file, "'line%zu.csv' using 1:2 with %s lw 1.6 lc rgb '%s' title ", i, style,
                LINE_COLOURS[i]);
        put_text(file, page->lines[i].label);
        fputs(", ", file);
    }
    if (page->level_label && isfinite(page->level)) {
        /* the key's sample apart from the line: some SVG readers dash from one to the other */
        static const char style[] = "with lines dt (8,5) lw 1.6 lc rgb";
        fprintf(file, "%.17g %s '%s' notitle, NaN %s '%s' title ", page->level, style, LEVEL_COLOUR,
                style, LEVEL_COLOUR);
        put_text(file, page->level_label);
    } else {
        fputs("NaN notitle", file);
    }
    fputc('\n', file);
}

/* What all heat maps share. */
static void put_heat_style(FILE *file, double colour) {
    fputs("unset key\nunset logscale y\nunset grid\nset border 15 lw 0.8 lc rgb '#808080'\nset "
          "tics scale 0\n"
          "set format y '%g'\nset format x '%g'\n"
          "set palette defined (-1 '#0072B2', -0.5 '#7FB8D8', 0 '#FFFFFF', 0.5 '#EAAE7F', "
          "1 '#D55E00')\n",
          file);
    fprintf(file, "set cbrange [%.17g:%.17g]\nset format cb '%%.3g'\nset cbtics %.17g\n", -colour,
            colour, tick_distance(-colour, colour));
    if (colour >= 1e-3 && colour < 1e4) /* longer numbers leave no room */
        fputs("set cblabel 'entry'\n", file);
}

/* Every row or column of a small matrix, multiples of a round number of a large one. */
static void put_entry_ticks(FILE *file, char axis, int64_t count) {
    double step = tick_distance(0, (double)count);
    fprintf(file, "set %ctics %d,%.0f\n", axis, count <= 10 ? 1 : 0, count <= 10 ? 1 : step);
}

static void put_heat_map(FILE *file, const plot_page *page, size_t index, double left, double right,
                         int is_last) {
    const plot_matrix *m = &page->matrices[index];
    fprintf(file, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n", left, right);
    fprintf(file, "set xrange [0.5:%.1f]\nset yrange [%.1f:0.5]\n", (double)m->cols + 0.5,
            (double)m->rows + 0.5);
    put_entry_ticks(file, 'x', m->cols);
    put_entry_ticks(file, 'y', m->rows);
    if (index > 0)
        fputs("set format y ''\n", file);
    fprintf(file, "set xlabel 'column'\nset ylabel '%s'\n", index == 0 ? "row" : "");
    if (is_last)
        fprintf(file, "set colorbox user origin screen %.4f,%.4f size screen 0.010,%.4f\n",
                right + 0.014, BOTTOM, TOP - BOTTOM);
    else
        fputs("unset colorbox\n", file);
    fputs("set title ", file);
    put_text(file, m->label);
    fprintf(file,
            " noenhanced\nplot 'matrix%zu.csv' using "
            "1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror fs solid 1.0 border lc "
            "palette lw 0.2 lc palette notitle, '' using 1:2:(strcol(4)):5 with labels noenhanced "
            "font ',9' textcolor rgb variable notitle\n",
            index);
}

void plot_write_script(FILE *file, const void *what) {
    const plot_scaled *scaled = what;
    const plot_page *page = scaled->page;
    int width = page->matrix_count > 0 ? WIDE : NARROW;
    double last = 0.925; /* where the last heat map ends */
    double side = (TOP - BOTTOM) * HEIGHT / width, gap = 0.022;
    double end =
        page->matrix_count > 0 ? last - (double)page->matrix_count * (side + gap) - 0.033 : 0.97;
    put_terminal(file, scaled->kind, width);
    fputs("set multiplot title ", file);
    put_text(file, page->title);
    fputs(" noenhanced font ',13'\n", file);
    put_curves(file, page, &scaled->scale, end);
    put_heat_style(file, scaled->scale.colour);
    for (size_t i = 0; i < page->matrix_count; i++) {
        double right = last - (double)(page->matrix_count - 1 - i) * (side + gap);
        put_heat_map(file, page, i, right - side, right, i + 1 == page->matrix_count);
    }
    fputs("unset multiplot\nset output\n", file);
}

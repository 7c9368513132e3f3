/* The script of a panel: its frame, then curves, a heat map, or bars. */
#include "plot_sheet.h"

#include <math.h>

static void put_margins(FILE *file, const plot_sheet *sheet, const plot_view *v) {
    fprintf(file,
            "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
            "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
            v->left / sheet->width, (v->left + v->width) / sheet->width, 1 - v->top / sheet->height,
            1 - (v->top + v->height) / sheet->height);
}

static void put_range(FILE *file, char axis, double from, double to) {
    fprintf(file, "set %crange [%.17g:%.17g]\n", axis, from, to);
}

/* Ticks of the axis of that name, "x"; small ones where the text is empty. */
static void put_ticks(FILE *file, const char *axis, const plot_axis *from) {
    if (from->tick_count == 0) {
        fprintf(file, "unset %stics\n", axis);
        return;
    }
    fprintf(file, "set %stics (", axis);
    for (int i = 0; i < from->tick_count; i++) {
        const plot_tick *tick = &from->ticks[i];
        fprintf(file, "%s'%s' %.17g %d", i == 0 ? "" : ", ", tick->text, tick->at,
                tick->text[0] == '\0');
    }
    fputs(")\n", file);
}

/* Beside the texts of the ticks, wherever they end. */
static void put_upright_text(FILE *file, const plot_sheet *sheet, const plot_view *v,
                             const char *text, double x) {
    plot_put_label(file, sheet, text, x, v->top + v->height / 2, "center rotate by 90");
}

static void put_frame(FILE *file, const plot_sheet *sheet, const plot_view *v) {
    const plot_panel *panel = v->panel;
    fputs("reset\nset datafile separator ','\nset samples 2\nunset key\n"
          "set border 3 lw 0.8 lc rgb '#404040'\n"
          "set tics nomirror out scale 0.6,0.3 textcolor rgb '#303030'\n",
          file);
    put_margins(file, sheet, v);
    if (panel->title)
        plot_put_label(file, sheet, panel->title, v->left + v->width / 2, v->top - v->top_room + 12,
                       "center");
    plot_put_legend(file, sheet, v);
    if (panel->y_label && !v->shares)
        put_upright_text(file, sheet, v, panel->y_label,
                         v->left - plot_axis_text_width(&v->y) - PLOT_TICK - PLOT_AXIS_LABEL / 2);
    if (panel->x_label)
        plot_put_label(file, sheet, panel->x_label, v->left + v->width / 2,
                       v->top + v->height + v->bottom_room - 22, "center");
}

/* ---- curves and bars ---- */

static const char GRID[] = "ytics lt 1 dt solid lc rgb '#e4e4e4' lw 0.7";

static void put_axes(FILE *file, const plot_view *v) {
    put_range(file, 'x', v->x.least, v->x.most);
    put_range(file, 'y', v->y.least, v->y.most);
    if (v->x.log)
        fputs("set logscale x\n", file);
    if (v->y.log)
        fputs("set logscale y\n", file);
    put_ticks(file, "y", &v->y);
}

static void put_levels(FILE *file, const plot_view *v) {
    for (size_t i = 0; i < v->panel->level_count; i++)
        if (plot_shows_level(v, i)) {
            fprintf(file, "%.17g with lines ", v->panel->levels[i].value);
            plot_put_level_style(file, i);
            fputs(", ", file);
        }
}

static void put_upright(FILE *file, const plot_view *v) {
    if (!plot_shows_upright(v))
        return;
    fprintf(file, "set arrow from first %.17g, graph 0 to first %.17g, graph 1 nohead back ",
            v->panel->upright, v->panel->upright);
    plot_put_upright_style(file);
    fputc('\n', file);
}

/* Error bars of a file whose columns low and high are the ends. */
static void put_error_bars(FILE *file, const char *name, int low, int high, const char *colour) {
    fprintf(file,
            "'%s' using 1:%d:(0):($%d-$%d) with vectors heads size screen 0.003,90 lw 1.2 lc rgb "
            "'%s', ",
            name, low, high, low, colour);
}

static void put_error(FILE *file, const plot_view *v, size_t i) {
    char name[64];
    const char *colour = plot_colour_of(v->panel, i);
    snprintf(name, sizeof name, "line%zu-%zu.csv", v->index, i);
    if (v->panel->lines[i].error_bars)
        put_error_bars(file, name, 3, 4, colour);
    else
        fprintf(
            file,
            "'%s' using 1:3:4 with filledcurves fs transparent solid 0.2 noborder lc rgb '%s', ",
            name, colour);
}

static void put_line(FILE *file, const plot_sheet *sheet, const plot_view *v, size_t i) {
    const plot_line *line = &v->panel->lines[i];
    if (plot_is_joined(line)) {
        fprintf(file, "'line%zu-%zu.csv' using 1:2 with lines ", v->index, i);
        plot_put_line_style(file, v->panel, i);
        fputs(", ", file);
    }
    if (plot_is_marked(line)) {
        fprintf(file, "'line%zu-%zu.csv' using 1:2 with points ", v->index, i);
        plot_put_mark_style(file, sheet, i);
        fprintf(file, " lc rgb '%s', ", plot_colour_of(v->panel, i));
    }
}

static void put_curves(FILE *file, const plot_sheet *sheet, const plot_view *v) {
    const plot_panel *panel = v->panel;
    put_axes(file, v);
    put_ticks(file, "x", &v->x);
    fprintf(file, "set grid %s%s\n", v->x.log ? "xtics " : "", GRID);
    put_upright(file, v);
    fputs("plot ", file);
    for (size_t i = 0; i < panel->line_count; i++)
        if (panel->lines[i].error)
            put_error(file, v, i);
    for (size_t i = 0; i < panel->line_count; i++)
        put_line(file, sheet, v, i);
    put_levels(file, v);
    fputs("NaN notitle\n", file);
}

static void put_bars(FILE *file, const plot_view *v) {
    const plot_bars *bars = &v->panel->bars;
    char name[64];
    put_axes(file, v);
    fprintf(file, "set grid %s\nset xtics scale 0 (", GRID);
    for (int64_t i = 0; i < bars->count; i++) {
        fputs(i == 0 ? "" : ", ", file);
        plot_put_text(file, bars->labels[i]);
        fprintf(file, " %lld", (long long)i + 1);
    }
    fprintf(file, ") noenhanced%s\n", v->slanted ? " rotate by 35 right" : "");
    if (bars->count == 0)
        fputs("unset xtics\n", file);
    if (!v->y.log && v->y.least < 0)
        fputs("set xzeroaxis lt 1 lw 0.8 lc rgb '#404040'\n", file);
    fputs("plot ", file);
    snprintf(name, sizeof name, "bars%zu.csv", v->index);
    if (bars->count > 0)
        fprintf(file,
                "'%s' using 1:3:($1-0.32):($1+0.32):2:3 with boxxyerror fs solid 1.0 noborder lc "
                "rgb '#0072B2', '' using 1:6:7 with labels offset 0,0.6 noenhanced, ",
                name);
    if (bars->count > 0 && bars->errors)
        put_error_bars(file, name, 4, 5, "#404040");
    put_levels(file, v);
    fputs("NaN notitle\n", file);
}

/* ---- heat maps ---- */

/* One from Okabe and Ito's blue through white to vermilion. The other's lightness (CIELAB) rises
 * in equal steps from 15 to 92 while blue turns through grey to yellow, which is what cividis
 * (Nunez, Anderton, Renslow 2018) does for the same reason. */
static const char DIVERGING[] = "-1 '#0072B2', 0 '#ffffff', 1 '#D55E00'";
static const char SEQUENTIAL[] = "0 '#002358', 1 '#2b3865', 2 '#4b4e6f', 3 '#686675', 4 '#867f79', "
                                 "5 '#a39879', 6 '#c1b376', 7 '#e0ce6f', 8 '#ffe963'";

static void put_colours(FILE *file, const plot_sheet *sheet, const plot_view *v) {
    const plot_heat *heat = &v->panel->heat;
    fprintf(file, "set palette defined (%s)\nset cbrange [%.17g:%.17g]\n",
            v->diverging ? DIVERGING : SEQUENTIAL, v->colour.least, v->colour.most);
    if (!v->colour_bar) {
        fputs("unset colorbox\n", file);
        return;
    }
    double left = v->left + v->width + PLOT_COLOUR_BAR;
    fprintf(file, "set colorbox user origin screen %.5f,%.5f size screen %.5f,%.5f noborder\n",
            left / sheet->width, 1 - (v->top + v->height) / sheet->height,
            PLOT_COLOUR_BAR / sheet->width, v->height / sheet->height);
    put_ticks(file, "cb", &v->colour);
    if (heat->colour_label)
        put_upright_text(file, sheet, v, heat->colour_label,
                         left + PLOT_COLOUR_BAR + PLOT_TICK + plot_axis_text_width(&v->colour) +
                             PLOT_AXIS_LABEL / 2);
}

/* A cell reaches half a pixel below the next ones, or there would be seams. */
static void put_cells(FILE *file, const plot_sheet *sheet, const plot_view *v) {
    const plot_heat *heat = &v->panel->heat;
    double right = 0.5 + 0.5 * (double)heat->cols / v->width;
    double down = 0.5 + 0.5 * (double)heat->rows / v->height;
    if (heat->rows * heat->cols > PLOT_BOXES) {
        fprintf(file, "'heat%zu.csv' using 1:2:3 with image, ", v->index);
        return;
    }
    fprintf(file,
            "'heat%zu.csv' using 1:2:($1-0.5):($1+%.5f):($2-0.5):($2+%.5f):3 with boxxyerror fs "
            "solid 1.0 noborder lc palette, ",
            v->index, right, down);
    if (heat->rows <= PLOT_NUMBERED && heat->cols <= PLOT_NUMBERED)
        fprintf(file,
                "'heat%zu.csv' using 1:2:(strcol(4)):5 with labels noenhanced font ',%g' textcolor "
                "rgb variable, ",
                v->index, plot_font(sheet, PLOT_ENTRY_FONT));
}

static void put_heat(FILE *file, const plot_sheet *sheet, const plot_view *v) {
    const plot_heat *heat = &v->panel->heat;
    int drawn = 0;
    for (int64_t k = 0; k < heat->rows * heat->cols && !drawn; k++)
        drawn = isfinite(heat->values[k]);
    fputs("set border 15 lw 0.8 lc rgb '#808080'\nset tics scale 0\n"
          "set object rectangle from graph 0,0 to graph 1,1 behind fc rgb '#c8c8c8' fs solid "
          "noborder\n",
          file);
    put_range(file, 'x', v->x.least, v->x.most);
    if (heat->row_ticks)
        put_range(file, 'y', v->y.least, v->y.most);
    else
        put_range(file, 'y', v->y.most, v->y.least);
    put_ticks(file, "x", &v->x);
    put_ticks(file, "y", &v->y);
    if (v->shares)
        fputs("unset ytics\n", file);
    put_colours(file, sheet, v);
    fputs("plot ", file);
    if (drawn)
        put_cells(file, sheet, v);
    if (heat->mark_count > 0)
        fprintf(file,
                "'marks%zu.csv' using 1:2 with points pt 7 ps %g lc rgb '#ffffff', '' using 1:2 "
                "with points pt 6 ps %g lw 1.2 lc rgb '#000000', ",
                v->index, plot_point(sheet, 0.6), plot_point(sheet, 0.6));
    fputs("NaN notitle\n", file);
}

void plot_put_panel(FILE *file, const plot_sheet *sheet, const plot_view *view) {
    put_frame(file, sheet, view);
    switch (view->panel->kind) {
    case PLOT_CURVES:
        put_curves(file, sheet, view);
        break;
    case PLOT_HEAT_MAP:
        put_heat(file, sheet, view);
        break;
    case PLOT_BAR_CHART:
        put_bars(file, view);
        break;
    }
}

/* The legend of a panel: a sample and a text for each thing in it, above the data or to their
 * right. gnuplot's own key would not say how much room it takes. */
#include "plot_sheet.h"

#include <math.h>

enum { SAMPLE = 26, SPACE = 6, APART = 18 }; /* sample, space, text, distance to the next */

typedef enum entry_kind { LINE, LEVEL, UPRIGHT, MARK } entry_kind;
typedef struct entry {
    entry_kind kind;
    size_t index;
    const char *text;
} entry;
enum { ENTRIES = PLOT_LINES + PLOT_LEVELS + 2 };

static int entries_of(const plot_view *view, entry *list) {
    const plot_panel *panel = view->panel;
    int count = 0, heat = panel->kind == PLOT_HEAT_MAP, curves = panel->kind == PLOT_CURVES;
    if (heat && panel->heat.mark_count > 0 && plot_is_text(panel->heat.mark_label))
        list[count++] = (entry){MARK, 0, panel->heat.mark_label};
    for (size_t i = 0; curves && i < panel->line_count; i++)
        if (plot_is_text(panel->lines[i].label) && plot_shows_line(view, i))
            list[count++] = (entry){LINE, i, panel->lines[i].label};
    for (size_t i = 0; !heat && i < panel->level_count; i++)
        if (plot_is_text(panel->levels[i].label) && plot_shows_level(view, i))
            list[count++] = (entry){LEVEL, i, panel->levels[i].label};
    if (plot_is_text(panel->upright_label) && plot_shows_upright(view))
        list[count++] = (entry){UPRIGHT, 0, panel->upright_label};
    return count;
}

static double entry_width(const entry *e) {
    return SAMPLE + SPACE + plot_text_width(e->text);
}

int plot_legend_count(const plot_view *view) {
    entry list[ENTRIES];
    return entries_of(view, list);
}

double plot_legend_width(const plot_view *view) {
    entry list[ENTRIES];
    double width = 0;
    int count = entries_of(view, list);
    for (int i = 0; i < count; i++)
        width = fmax(width, entry_width(&list[i]));
    return width;
}

/* Puts the next entry where it fits: at *x of the same line, or at the start of the next one. */
static void place(const entry *e, double width, double *x, int *line) {
    if (*x > 0 && *x + entry_width(e) > width) {
        *x = 0;
        ++*line;
    }
}

int plot_legend_lines(const plot_view *view, double width) {
    entry list[ENTRIES];
    int count = entries_of(view, list), line = 0;
    double x = 0;
    for (int i = 0; i < count; i++) {
        place(&list[i], width, &x, &line);
        x += entry_width(&list[i]) + APART;
    }
    return count > 0 ? line + 1 : 0;
}

static void put_point(FILE *file, const plot_sheet *sheet, double x, double y) {
    fprintf(file, "screen %.5f,%.5f", x / sheet->width, 1 - y / sheet->height);
}

/* A piece of line from x to x + SAMPLE; its style is still to come. Without the white dot between
 * them gnuplot's SVG gives strokes of one colour the dashes of the first. */
static void put_stroke(FILE *file, const plot_sheet *sheet, double x, double y) {
    fputs("set arrow from ", file);
    put_point(file, sheet, x, y);
    fputs(" rto screen 0,0 nohead lw 0.1 lc rgb '#ffffff'\nset arrow from ", file);
    put_point(file, sheet, x, y);
    fputs(" to ", file);
    put_point(file, sheet, x + SAMPLE, y);
    fputs(" nohead ", file);
}

static void put_line_sample(FILE *file, const plot_sheet *sheet, const plot_panel *panel,
                            size_t index, double x, double y) {
    const plot_line *line = &panel->lines[index];
    if (line->error && !line->error_bars) {
        fputs("set object rectangle from ", file);
        put_point(file, sheet, x, y - 5);
        fputs(" to ", file);
        put_point(file, sheet, x + SAMPLE, y + 5);
        fprintf(file, " fc rgb '%s' fs transparent solid 0.2 noborder\n",
                plot_colour_of(panel, index));
    }
    if (plot_is_joined(line)) {
        put_stroke(file, sheet, x, y);
        plot_put_line_style(file, panel, index);
        fputc('\n', file);
    }
    if (plot_is_marked(line)) {
        fputs("set label '' at ", file);
        put_point(file, sheet, x + SAMPLE / 2, y);
        fputs(" point ", file);
        plot_put_mark_style(file, sheet, index);
        fprintf(file, " lc rgb '%s'\n", plot_colour_of(panel, index));
    }
}

static void put_sample(FILE *file, const plot_sheet *sheet, const plot_panel *panel, const entry *e,
                       double x, double y) {
    if (e->kind == LINE) {
        put_line_sample(file, sheet, panel, e->index, x, y);
    } else if (e->kind == MARK) {
        fputs("set label '' at ", file);
        put_point(file, sheet, x + SAMPLE / 2, y);
        fprintf(file, " point pt 6 ps %g lw 1.2 lc rgb '#000000'\n", plot_point(sheet, 0.6));
    } else {
        put_stroke(file, sheet, x, y);
        if (e->kind == LEVEL)
            plot_put_level_style(file, e->index);
        else
            plot_put_upright_style(file);
        fputc('\n', file);
    }
}

void plot_put_legend(FILE *file, const plot_sheet *sheet, const plot_view *view) {
    entry list[ENTRIES];
    int count = entries_of(view, list), line = 0;
    int lines = view->legend_aside ? 0 : plot_legend_lines(view, view->width);
    double x = 0, left = view->left + (view->legend_aside ? view->width + 16 : 0);
    double top = view->legend_aside ? view->top + 8 : view->top - (lines - 0.1) * PLOT_TEXT_LINE;
    for (int i = 0; i < count; i++) {
        place(&list[i], view->legend_aside ? 0 : view->width, &x, &line);
        double y = top + line * PLOT_TEXT_LINE;
        put_sample(file, sheet, view->panel, &list[i], left + x, y);
        plot_put_label(file, sheet, list[i].text, left + x + SAMPLE + SPACE, y, "left");
        x += entry_width(&list[i]) + APART;
    }
}

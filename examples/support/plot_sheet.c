/* Lays out a page: panels in a grid of rows and columns, with room for every text. */
#include "plot_sheet.h"

#include <math.h>
#include <stdlib.h>

enum { COLUMNS = 3, ROWS = 2 };
enum { EDGE = 12, APART = 20 };
enum { LEGEND_LINES = 4 }; /* more would stand to the right */
/* Pages of one, two, three columns, and the least width of what is no matrix there; the least
 * height of panels in one row and in two. */
static const double WIDE[COLUMNS] = {720, 1000, 1280}, LEAST[COLUMNS] = {560, 360, 260};
static const double HIGH[ROWS] = {280, 250};

/* Square cells: its width follows from its height. */
static int is_matrix(const plot_panel *panel) {
    return panel->kind == PLOT_HEAT_MAP && !panel->heat.row_ticks && !panel->heat.col_ticks;
}

/* ---- axes ---- */

/* Whether a panel has the colours of the one before it. */
static int continues(const plot_page *page, size_t index) {
    const plot_panel *panel = &page->panels[index];
    return index > 0 && index < page->panel_count && panel->kind == PLOT_HEAT_MAP &&
           panel->heat.same_scale && (panel - 1)->kind == PLOT_HEAT_MAP;
}

/* The first panel of those that share their colours with this one, and their number. */
static size_t chain_of(const plot_page *page, size_t index, size_t *length) {
    size_t first = index, end = index + 1;
    while (continues(page, first))
        first--;
    while (continues(page, end))
        end++;
    *length = end - first;
    return first;
}

static void span(const plot_page *page, plot_view *v) {
    size_t length, first;
    switch (v->panel->kind) {
    case PLOT_CURVES:
        plot_span_curves(v->panel, &v->x, &v->y);
        break;
    case PLOT_BAR_CHART:
        plot_span_bars(v->panel, &v->x, &v->y);
        break;
    case PLOT_HEAT_MAP:
        plot_span_heat(v->panel, &v->x, &v->y);
        first = chain_of(page, v->index, &length);
        v->diverging = page->panels[first].heat.diverging;
        plot_span_colours(&page->panels[first], length, &v->colour);
        break;
    }
}

/* Ticks of y and of the colours, for a height that is known. */
static void tick_height(plot_view *v, double height) {
    const plot_heat *heat = &v->panel->heat;
    if (v->panel->kind == PLOT_HEAT_MAP) {
        plot_axis_places(&v->y, heat->row_ticks, heat->rows, height, 1);
        plot_axis_ticks(&v->colour, height, 1);
    } else {
        plot_axis_ticks(&v->y, height, 1);
    }
}

static void tick_width(plot_view *v) {
    const plot_heat *heat = &v->panel->heat;
    if (v->panel->kind == PLOT_CURVES)
        plot_axis_ticks(&v->x, v->width, 0);
    else if (v->panel->kind == PLOT_HEAT_MAP)
        plot_axis_places(&v->x, heat->col_ticks, heat->cols, v->width, 0);
}

/* ---- room around the data ---- */

static void find_shares(plot_sheet *s) {
    for (size_t i = 0; i < s->view_count; i++) {
        plot_view *v = &s->views[i];
        const plot_panel *own = v->panel, *page = s->page->panels;
        int heat = own->kind == PLOT_HEAT_MAP;
        v->shares = heat && v->column > 0 && continues(s->page, i) &&
                    page[i - 1].heat.rows == own->heat.rows;
        v->colour_bar = heat && !(v->column + 1 < s->columns && continues(s->page, i + 1));
    }
}

static double widest_label(const plot_bars *bars) {
    double width = 0;
    for (int64_t i = 0; i < bars->count; i++)
        width = fmax(width, plot_text_width(bars->labels[i]));
    return width;
}

/* Labels of bars that are too wide for their places stand aslant, and reach to the left. */
static void find_slant(plot_view *v) {
    const plot_bars *bars = &v->panel->bars;
    double slot = v->width / fmax((double)bars->count, 1), widest = widest_label(bars);
    v->slanted = v->panel->kind == PLOT_BAR_CHART && widest + 6 > slot;
    if (v->slanted)
        v->left_room = fmax(v->left_room, EDGE + 0.82 * widest - slot / 2);
}

/* Texts that are wider than the data below or above them. */
static void find_overhang(plot_view *v) {
    const plot_panel *panel = v->panel;
    double centred = fmax(plot_text_width(panel->title), plot_text_width(panel->x_label));
    double half = (centred - v->width) / 2 + EDGE;
    v->left_room = fmax(v->left_room, half);
    v->right_room = fmax(v->right_room, half);
    v->right_room = fmax(v->right_room, plot_axis_overhang(&v->x, v->width) + EDGE);
    if (!v->legend_aside)
        v->right_room = fmax(v->right_room, plot_legend_width(v) - v->width + EDGE);
}

/* For the least width that the panel may get. */
static void find_side_room(plot_view *v) {
    const plot_panel *panel = v->panel;
    double label = plot_is_text(panel->y_label) ? PLOT_AXIS_LABEL : 0;
    v->left_room = v->shares ? 8 : EDGE + label + plot_axis_text_width(&v->y) + PLOT_TICK;
    v->right_room = APART;
    find_slant(v);
    if (v->colour_bar)
        v->right_room += 2 * PLOT_COLOUR_BAR + PLOT_TICK + plot_axis_text_width(&v->colour) +
                         (plot_is_text(panel->heat.colour_label) ? PLOT_AXIS_LABEL : 0);
    v->legend_aside = panel->kind != PLOT_HEAT_MAP && plot_legend_lines(v, v->width) > LEGEND_LINES;
    if (v->legend_aside)
        v->right_room += 16 + plot_legend_width(v);
    find_overhang(v);
}

static void find_end_room(plot_view *v) {
    const plot_panel *panel = v->panel;
    int lines = v->legend_aside ? 0 : plot_legend_lines(v, v->width);
    v->top_room = 10 + PLOT_TEXT_LINE * (lines + plot_is_text(panel->title));
    double labels = v->slanted ? 4 + 0.57 * widest_label(&panel->bars) : PLOT_TEXT_LINE;
    v->bottom_room = 28 + labels + (plot_is_text(panel->x_label) ? PLOT_TEXT_LINE : 0);
}

/* ---- the grid ---- */

/* Enough for the legends and the upright texts beside the data. */
static double row_height(const plot_sheet *s, int row) {
    double height = HIGH[s->rows - 1];
    for (size_t i = 0; i < s->view_count; i++) {
        const plot_view *v = &s->views[i];
        if (v->row != row)
            continue;
        if (v->legend_aside)
            height = fmax(height, PLOT_TEXT_LINE * plot_legend_count(v));
        if (!v->shares)
            height = fmax(height, plot_text_width(v->panel->y_label));
        if (v->colour_bar)
            height = fmax(height, plot_text_width(v->panel->heat.colour_label));
    }
    return height;
}

/* Of square cells, but neither a thread nor a ribbon. */
static double matrix_width(const plot_view *v) {
    double ratio = fmax((double)v->panel->heat.cols, 1) / fmax((double)v->panel->heat.rows, 1);
    return v->height * fmin(fmax(ratio, 0.4), 1.6);
}

typedef struct strip {
    double left, body; /* room on the left; data, and room on their right */
    int flexible;
} strip;

static strip column_of(const plot_sheet *s, int column) {
    strip c = {0};
    for (size_t i = 0; i < s->view_count; i++) {
        const plot_view *v = &s->views[i];
        if (v->column != column)
            continue;
        int fixed = is_matrix(v->panel);
        c.left = fmax(c.left, v->left_room);
        c.body = fmax(c.body, v->right_room + (fixed ? matrix_width(v) : LEAST[s->columns - 1]));
        c.flexible |= !fixed;
    }
    return c;
}

/* Places the panels of a column; where the next one begins. */
static double place_column(plot_sheet *s, int column, const strip *c, double x) {
    for (size_t i = 0; i < s->view_count; i++) {
        plot_view *v = &s->views[i];
        if (v->column != column)
            continue;
        v->left = x + c->left;
        v->width = is_matrix(v->panel) ? matrix_width(v) : c->body - v->right_room;
    }
    return x + c->left + c->body;
}

/* Columns of curves share what others leave of the usual width, or widen the page. */
static void place_columns(plot_sheet *s) {
    strip columns[COLUMNS];
    double rest = WIDE[s->columns - 1], x = 0;
    int flexible = 0;
    for (int j = 0; j < s->columns; j++) {
        columns[j] = column_of(s, j);
        rest -= columns[j].left + (columns[j].flexible ? 0 : columns[j].body);
        flexible += columns[j].flexible;
    }
    for (int j = 0; j < s->columns; j++) {
        if (columns[j].flexible)
            columns[j].body = fmax(rest / flexible, columns[j].body);
        x = place_column(s, j, &columns[j], x);
    }
    s->width = ceil(fmax(x, 1.2 * plot_text_width(s->page->title) + 2 * EDGE) - 1e-6);
    for (size_t i = 0; i < s->view_count; i++)
        s->views[i].left += (s->width - x) / 2;
}

static void place_rows(plot_sheet *s) {
    double y = plot_is_text(s->page->title) ? 44 : EDGE;
    for (int row = 0; row < s->rows; row++) {
        double top = 0, height = 0, bottom = 0;
        for (size_t i = 0; i < s->view_count; i++)
            if (s->views[i].row == row) {
                top = fmax(top, s->views[i].top_room);
                bottom = fmax(bottom, s->views[i].bottom_room);
                height = s->views[i].height;
            }
        for (size_t i = 0; i < s->view_count; i++)
            if (s->views[i].row == row) {
                s->views[i].top = y + top;
                s->views[i].top_room = top; /* titles of a row are level */
            }
        y += top + height + bottom + (row + 1 < s->rows ? APART : 0);
    }
    s->height = ceil(y);
}

plot_sheet *plot_sheet_of(const plot_page *page, const char *kind) {
    plot_sheet *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    int count = (int)page->panel_count, rows = count > COLUMNS ? 2 : 1;
    s->page = page;
    s->kind = kind;
    s->rows = rows;
    s->columns = (count + rows - 1) / rows;
    s->view_count = page->panel_count;
    for (int i = 0; i < count; i++) {
        plot_view *v = &s->views[i];
        v->panel = &page->panels[i];
        v->index = (size_t)i;
        v->row = i / s->columns;
        v->column = i % s->columns;
        span(page, v);
    }
    find_shares(s);
    for (int i = 0; i < count; i++) {
        plot_view *v = &s->views[i];
        v->height = HIGH[rows - 1];
        v->width = is_matrix(v->panel) ? matrix_width(v) : LEAST[s->columns - 1];
        tick_height(v, v->height);
        tick_width(v);
        find_side_room(v);
    }
    for (int i = 0; i < count; i++)
        s->views[i].height = row_height(s, s->views[i].row);
    place_columns(s);
    for (int i = 0; i < count; i++) {
        tick_width(&s->views[i]);
        find_end_room(&s->views[i]);
    }
    place_rows(s);
    return s;
}

/* Refuses a page that cannot be drawn, and says why. */
#include "options.h"
#include "plot_sheet.h"

#include <math.h>

static int characters(const char *text) {
    int count = 0;
    for (; text && *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* One line, not too long. */
static int bad_text(const char *text) {
    int control = 0;
    for (const char *c = text; c && *c != '\0'; c++)
        control = control || (unsigned char)*c < 0x20;
    return control || characters(text) > PLOT_TEXT;
}

static const char *const BAD_TEXT = "a text of more than 100 characters, or of several lines";

static const char *line_fault(const plot_line *line) {
    if (line->count < 0 || (line->count > 0 && (!line->x || !line->y)))
        return "a line without its numbers";
    if ((int)line->style < PLOT_SOLID || line->style > PLOT_MARKS ||
        (int)line->colour < PLOT_AUTO || line->colour > PLOT_YELLOW)
        return "a line of no known style or colour";
    return bad_text(line->label) ? BAD_TEXT : NULL;
}

static const char *curves_fault(const plot_panel *panel) {
    if (panel->line_count > PLOT_LINES)
        return "more than 12 lines";
    for (size_t i = 0; i < panel->line_count; i++)
        if (line_fault(&panel->lines[i]))
            return line_fault(&panel->lines[i]);
    return bad_text(panel->upright_label) ? BAD_TEXT : NULL;
}

static const char *levels_fault(const plot_panel *panel) {
    if (panel->level_count > PLOT_LEVELS)
        return "more than 4 levels";
    for (size_t i = 0; i < panel->level_count; i++)
        if (bad_text(panel->levels[i].label))
            return BAD_TEXT;
    return NULL;
}

static int all_finite(const double *values, int64_t count) {
    for (int64_t i = 0; values && i < count; i++)
        if (!isfinite(values[i]))
            return 0;
    return 1;
}

static const char *heat_fault(const plot_panel *panel) {
    const plot_heat *heat = &panel->heat;
    if (heat->rows < 0 || heat->cols < 0 || heat->rows > PLOT_CELLS || heat->cols > PLOT_CELLS)
        return "a heat map of no size from 0 to 1024";
    if (heat->rows * heat->cols > 0 && !heat->values)
        return "a heat map without its numbers";
    if (!all_finite(heat->row_ticks, heat->rows) || !all_finite(heat->col_ticks, heat->cols))
        return "ticks that are no numbers";
    if (heat->mark_count < 0 || (heat->mark_count > 0 && !heat->marks))
        return "marks without their places";
    for (int64_t k = 0; k < heat->mark_count; k++)
        if (heat->marks[k].row < 0 || heat->marks[k].row >= heat->rows || heat->marks[k].col < 0 ||
            heat->marks[k].col >= heat->cols)
            return "a mark outside the heat map";
    return bad_text(heat->colour_label) || bad_text(heat->mark_label) ? BAD_TEXT : NULL;
}

static const char *bars_fault(const plot_panel *panel) {
    const plot_bars *bars = &panel->bars;
    if (bars->count < 0 || bars->count > PLOT_BARS)
        return "no number of bars from 0 to 32";
    if (bars->count > 0 && (!bars->labels || !bars->heights))
        return "bars without labels or heights";
    for (int64_t i = 0; i < bars->count; i++)
        if (bad_text(bars->labels[i]))
            return BAD_TEXT;
    return NULL;
}

static const char *panel_fault(const plot_panel *panel) {
    if (bad_text(panel->title) || bad_text(panel->x_label) || bad_text(panel->y_label))
        return BAD_TEXT;
    const char *fault = levels_fault(panel);
    if (fault)
        return fault;
    switch (panel->kind) {
    case PLOT_CURVES:
        return curves_fault(panel);
    case PLOT_HEAT_MAP:
        return heat_fault(panel);
    case PLOT_BAR_CHART:
        return bars_fault(panel);
    }
    return "no known kind";
}

int plot_check(const plot_page *page, char *message) {
    if (page->panel_count == 0 || page->panel_count > PLOT_PANELS || bad_text(page->title)) {
        snprintf(message, OPTIONS_MESSAGE, "--plot: a page has 1 to %d panels and %s", PLOT_PANELS,
                 "a title of one line");
        return -1;
    }
    for (size_t i = 0; i < page->panel_count; i++) {
        const char *fault = panel_fault(&page->panels[i]);
        if (fault) {
            snprintf(message, OPTIONS_MESSAGE, "--plot: panel %zu has %s", i + 1, fault);
            return -1;
        }
    }
    return 0;
}

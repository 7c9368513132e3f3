/* The layout of the examples' plots: what axes span, ticks that have room, texts that never meet. */
#include "options.h"
#include "plot_sheet.h"
#include "support/support.h"

static const double STEPS[4] = {1, 2, 3, 4}, LOSS[4] = {8, 4, NAN, 1};

/* ---- axes ---- */

static plot_axis axis_of(int log, double least, double most) {
    plot_axis a;
    plot_axis_begin(&a, log);
    plot_axis_stretch(&a, least);
    plot_axis_stretch(&a, most);
    return a;
}

START_TEST(spans_hold_data_errors_and_levels) {
    static const double error[4] = {1, NAN, 9, 0.25};
    plot_panel p = {.lines = {{.x = STEPS, .y = LOSS, .count = 4}}, .line_count = 1};
    plot_axis x, y;
    plot_span_curves(&p, &x, &y);
    ck_assert(x.least == 1 - 0.03 * 3 && x.most == 4 + 0.03 * 3 && x.whole);
    ck_assert(y.least == 1 - 0.06 * 7 && y.most == 8 + 0.06 * 7);
    plot_add_level(&p, "optimum", 0.5);
    plot_add_level(&p, "nothing", NAN);
    p.upright = 5;
    p.upright_label = "here";
    plot_span_curves(&p, &x, &y);
    ck_assert(y.least == 0.5 - 0.06 * 7.5 && x.most == 5 + 0.03 * 4);
    p.lines[0].error = error; /* the gap has none */
    plot_span_curves(&p, &x, &y);
    ck_assert(y.least == 0.5 - 0.06 * 8.5 && y.most == 9 + 0.06 * 8.5);
    p.log_y = 1;
    plot_span_curves(&p, &x, &y);
    ck_assert(y.log && y.least > 0.4 && y.least < 0.5 && y.most > 9 && y.most < 11);
}
END_TEST

START_TEST(spans_of_nothing_are_drawable) {
    static const double zero[2] = {0, 0}, nothing[2] = {NAN, INFINITY}, negative[2] = {-1, -3},
                        huge[2] = {1e308, -1e308}, tiny[2] = {5e-324, 0};
    const struct {
        const double *y;
        int64_t count;
        int stays_log;
    } cases[] = {{zero, 2, 0}, {nothing, 2, 0}, {negative, 2, 0}, {NULL, 0, 0},
                 {LOSS, 1, 1}, {huge, 2, 0},    {tiny, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plot_panel p = {.lines = {{.x = STEPS, .y = cases[i].y, .count = cases[i].count}},
                        .line_count = 1,
                        .log_x = 1,
                        .log_y = 1};
        plot_axis x, y;
        plot_span_curves(&p, &x, &y);
        ck_assert_int_eq(y.log, cases[i].stays_log);
        ck_assert(isfinite(x.least) && x.least < x.most && isfinite(x.most));
        ck_assert(isfinite(y.least) && y.least < y.most && isfinite(y.most));
        ck_assert(!y.log || y.least > 0);
        ck_assert(!x.log || x.least > 0);
    }
}
END_TEST

START_TEST(one_axis_turns_linear_without_the_other) {
    static const double minus[2] = {-1, 0}, plus[2] = {1, 10};
    plot_axis x, y;
    plot_panel p = {
        .lines = {{.x = minus, .y = plus, .count = 2}}, .line_count = 1, .log_x = 1, .log_y = 1};
    plot_span_curves(&p, &x, &y);
    ck_assert(!x.log && y.log && x.least < -1 && x.most > 0);
    p.lines[0] = (plot_line){.x = plus, .y = minus, .count = 2};
    plot_span_curves(&p, &x, &y);
    ck_assert(x.log && !y.log && y.least < -1 && y.most > 0);
}
END_TEST

START_TEST(steps_are_drawn_from_zero) {
    static const double x100[2] = {1, 100}, y2[2] = {1, 2};
    plot_panel p = {.lines = {{.x = x100, .y = y2, .count = 2, .style = PLOT_DASHED}},
                    .line_count = 1};
    plot_axis x, y;
    plot_span_curves(&p, &x, &y);
    ck_assert(x.least == 0 && x.most == 100);
    p.log_x = 1;
    plot_span_curves(&p, &x, &y);
    ck_assert(x.log && x.least == 1 && x.most == 100);
}
END_TEST

START_TEST(bars_stand_on_zero_or_on_a_log_axis) {
    static const double heights[3] = {0.01, 0, 5}, down[2] = {-1, NAN}, errors[3] = {0, 0, 1};
    plot_panel p = {.kind = PLOT_BAR_CHART, .bars = {NULL, heights, errors, 3}};
    plot_axis x, y;
    plot_span_bars(&p, &x, &y);
    ck_assert(x.least == 0.4 && x.most == 3.6);
    ck_assert(y.least == 0 && y.most == 6 + 0.06 * 6);
    p.log_y = 1;
    plot_span_bars(&p, &x, &y);
    ck_assert(y.log && y.least == 0.005 && y.most > 6);
    p.bars = (plot_bars){NULL, down, NULL, 2};
    plot_span_bars(&p, &x, &y);
    ck_assert(!y.log && y.least < -1 && y.most == 0);
    p.bars = (plot_bars){0};
    plot_span_bars(&p, &x, &y);
    ck_assert(!y.log && y.least == 0 && y.most > 0);
}
END_TEST

START_TEST(colours_span_a_chain_of_heat_maps) {
    static const double a[2] = {-0.5, NAN}, b[2] = {0.25, 2};
    const plot_panel p[2] = {
        {.kind = PLOT_HEAT_MAP, .heat = {.values = a, .rows = 1, .cols = 2, .diverging = 1}},
        {.kind = PLOT_HEAT_MAP, .heat = {.values = b, .rows = 1, .cols = 2}}};
    plot_axis colour;
    plot_span_colours(p, 2, &colour);
    ck_assert(colour.least == -2 && colour.most == 2);
    plot_span_colours(p, 1, &colour);
    ck_assert(colour.least == -0.5 && colour.most == 0.5);
    plot_span_colours(p + 1, 1, &colour);
    ck_assert(colour.least == 0.25 && colour.most == 2);
    plot_panel q = p[1];
    q.heat.least = 0;
    q.heat.most = 1;
    plot_span_colours(&q, 1, &colour);
    ck_assert(colour.least == 0 && colour.most == 1);
    q.heat = (plot_heat){.values = b, .rows = 1, .cols = 1};
    plot_span_colours(&q, 1, &colour);
    ck_assert(colour.least < 0.25 && colour.most > 0.25);
    q.heat = (plot_heat){.values = a + 1, .rows = 1, .cols = 1, .diverging = 1};
    plot_span_colours(&q, 1, &colour);
    ck_assert(colour.least == -1 && colour.most == 1);
}
END_TEST

/* ---- ticks ---- */

/* The texts of an axis with ", " between them. */
static const char *texts_of(const plot_axis *a) {
    static char text[1024];
    text[0] = '\0';
    for (int i = 0; i < a->tick_count; i++) {
        size_t used = strlen(text);
        if (a->ticks[i].text[0] != '\0')
            snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "",
                     a->ticks[i].text);
    }
    return text;
}

START_TEST(ticks_are_round) {
    static const struct {
        int log, whole;
        double least, most, length;
        const char *texts;
    } cases[] = {
        {0, 0, 0, 1, 300, "0, 0.2, 0.4, 0.6, 0.8, 1"},
        {0, 0, -0.77, 0.77, 300, "-0.5, 0, 0.5"},
        {0, 1, 0, 3, 300, "0, 1, 2, 3"},
        {0, 1, 0, 300, 400, "0, 50, 100, 150, 200, 250, 300"},
        {0, 1, 0, 300, 60, "0, 200"},
        {0, 0, 1, 1.00003, 500, "1, 1.000005, 1.00001, 1.000015, 1.00002, 1.000025, 1.00003"},
        {0, 0, 0, 3e7, 500,
         "0, 5\xc3\x97"
         "10^{6}, 10^{7}, 1.5\xc3\x97"
         "10^{7}, 2\xc3\x97"
         "10^{7}"},
        {1, 0, 1, 4, 300, "1, 1.5, 2, 2.5, 3, 3.5, 4"},
        {1, 0, 0.9, 110, 400, "1, 2, 5, 10, 20, 50, 100"},
        {1, 0, 0.9, 110, 180, "1, 3, 10, 30, 100"},
        {1, 0, 1, 4096, 300, "1, 10, 100, 1000"},
        {1, 0, 1e-8, 1, 300, "10^{-8}, 10^{-6}, 10^{-4}, 10^{-2}, 10^{0}"},
        {1, 0, 1e-200, 1e200, 300, "10^{-200}, 10^{-100}, 10^{0}, 10^{100}, 10^{200}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plot_axis a = axis_of(cases[i].log, cases[i].least, cases[i].most);
        a.whole = cases[i].whole;
        plot_axis_ticks(&a, cases[i].length, 0);
        const char *got = texts_of(&a), *wanted = cases[i].texts;
        ck_assert_msg(strncmp(got, wanted, strlen(wanted)) == 0, "%zu: \"%s\" instead of \"%s\"", i,
                      got, wanted);
    }
}
END_TEST

/* Width of a tick's text if its exponent were not raised, which makes it narrower. */
static double level_width(const char *marked_up) {
    char text[32];
    size_t length = 0;
    for (; *marked_up != '\0'; marked_up++)
        if (!strchr("^{}", *marked_up))
            text[length++] = *marked_up;
    text[length] = '\0';
    return plot_text_width(text);
}

/* Texts may not meet, and stay in order; none is wider than plot_axis_text_width says. */
static void assert_apart(const plot_axis *a, double length, int upright, const char *what) {
    double end = -INFINITY, widest = 0;
    double least = a->log ? log(a->least) : a->least, most = a->log ? log(a->most) : a->most;
    for (int i = 0; i < a->tick_count; i++) {
        const plot_tick *tick = &a->ticks[i];
        if (tick->text[0] == '\0')
            continue;
        double value = a->log ? log(tick->at) : tick->at;
        double at = length * (value - least) / (most - least);
        double half = upright ? 6.5 : 0.45 * level_width(tick->text);
        ck_assert_msg(at >= -1e-6 && at <= length + 1e-6, "%s: a tick at %g", what, at);
        ck_assert_msg(at - half >= end, "%s: %s", what, texts_of(a));
        end = at + half;
        widest = fmax(widest, level_width(tick->text));
    }
    ck_assert_double_ge(plot_axis_text_width(a), 0.8 * widest);
    ck_assert_double_le(plot_axis_text_width(a), widest + 1e-9);
}

START_TEST(ticks_never_meet) {
    static const double lengths[] = {40, 120, 260, 600};
    for (int log = 0; log <= 1; log++)
        for (double low = -12; low <= 12; low += 0.7)
            for (double span = 1e-4; span < 30; span *= 3)
                for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
                    char what[96];
                    double least = pow(10, low);
                    plot_axis a = axis_of(log, least, least * pow(10, span));
                    snprintf(what, sizeof what, "log %d, 10^%g, %g decades, %g px", log, low, span,
                             lengths[k]);
                    plot_axis_pad(&a, 0.06);
                    plot_axis_ticks(&a, lengths[k], 0);
                    assert_apart(&a, lengths[k], 0, what);
                    if (lengths[k] > 200)
                        ck_assert_msg(texts_of(&a)[0] != '\0', "%s: no tick", what);
                    plot_axis_ticks(&a, lengths[k], 1);
                    assert_apart(&a, lengths[k], 1, what);
                }
}
END_TEST

START_TEST(heat_maps_name_the_rows_that_have_room) {
    double powers[49], newton[23], layers[3] = {0, 1, 2};
    for (int i = 0; i < 49; i++)
        powers[i] = pow(2, i / 4.0);
    for (int i = 0; i < 23; i++)
        newton[i] = i + 1;
    const struct {
        const double *values;
        int64_t count;
        double length;
        int upright;
        const char *texts;
    } cases[] = {{NULL, 5, 280, 0, "1, 2, 3, 4, 5"},
                 {NULL, 23, 280, 1, "2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22"},
                 {newton, 23, 150, 1, "5, 10, 15, 20"},
                 {NULL, 1024, 280, 1, "100, 200, 300, 400, 500, 600, 700, 800, 900, 1000"},
                 {layers, 3, 280, 1, "0, 1, 2"},
                 {powers, 49, 400, 0, "1, 4, 16, 64, 256, 1024, 4096"},
                 {powers, 49, 180, 0, "1, 16, 256, 4096"},
                 {NULL, 0, 280, 0, ""},
                 {NULL, 1, 2, 0, "1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plot_axis a = {.least = 0.5, .most = (double)cases[i].count + 0.5};
        plot_axis_places(&a, cases[i].values, cases[i].count, cases[i].length, cases[i].upright);
        const char *got = texts_of(&a), *wanted = cases[i].texts;
        ck_assert_msg(strncmp(got, wanted, strlen(wanted)) == 0, "%zu: \"%s\" instead of \"%s\"", i,
                      got, wanted);
        ck_assert(wanted[0] != '\0' || got[0] == '\0');
        assert_apart(&a, cases[i].length, cases[i].upright, wanted);
    }
}
END_TEST

/* ---- pages ---- */

typedef struct box {
    double left, top, right, bottom;
    char what[128];
} box;
enum { BOXES = 400 };
static box boxes[BOXES];
static int box_count;

static void add_box(double left, double top, double right, double bottom, const char *what) {
    ck_assert_int_lt(box_count, BOXES);
    boxes[box_count] = (box){.left = left, .top = top, .right = right, .bottom = bottom};
    snprintf(boxes[box_count++].what, sizeof boxes->what, "%s", what);
}

/* The data of a view with its ticks: below them, left of them, and right of the colour bar. */
static void add_data(const plot_view *v) {
    char what[32];
    snprintf(what, sizeof what, "panel %zu", v->index);
    double left = v->shares ? 0 : plot_axis_text_width(&v->y) + 12;
    double below = v->slanted ? 30 : 25, right = 0;
    if (v->colour_bar)
        right = 2 * PLOT_COLOUR_BAR + 10 + plot_axis_text_width(&v->colour);
    add_box(v->left - left, v->top, v->left + v->width + right, v->top + v->height + below, what);
}

/* The texts of a script: set label 'TEXT' at screen X,Y noenhanced WORDS */
static void add_labels(const plot_sheet *s, const char *script) {
    for (const char *at = script; (at = strstr(at, "\nset label '")) != NULL; at++) {
        char text[128];
        double x, y;
        const char *start = at + strlen("\nset label '"), *end = strstr(start, "' at screen ");
        snprintf(text, sizeof text, "%.*s", (int)(end - start), start);
        ck_assert_int_eq(sscanf(end, "' at screen %lf,%lf", &x, &y), 2);
        const char *words = strchr(end, '\n');
        x *= s->width;
        y = (1 - y) * s->height;
        double width = plot_text_width(text);
        if (width == 0)
            continue; /* a mark of the legend */
        if (strncmp(words - 6, " by 90", 6) == 0)
            add_box(x - 7, y - width / 2, x + 7, y + width / 2, text);
        else if (strncmp(words - 6, "center", 6) == 0)
            add_box(x - width / 2, y - 7, x + width / 2, y + 7, text);
        else
            add_box(x - 26, y - 7, x + width, y + 7, text); /* with its sample */
    }
}

static void assert_nothing_meets(const plot_sheet *s) {
    for (int i = 0; i < box_count; i++) {
        const box *a = &boxes[i];
        ck_assert_msg(a->left >= 0 && a->top >= 0 && a->right <= s->width && a->bottom <= s->height,
                      "\"%s\" leaves the page", a->what);
        for (int j = 0; j < i; j++) {
            const box *b = &boxes[j];
            ck_assert_msg(a->right <= b->left || b->right <= a->left || a->bottom <= b->top ||
                              b->bottom <= a->top,
                          "\"%s\" meets \"%s\"", a->what, b->what);
        }
    }
}

static void assert_page_is_clear(const plot_page *page) {
    char message[OPTIONS_MESSAGE], *script = NULL;
    size_t size;
    ck_assert_msg(plot_check(page, message) == 0, "%s", message);
    plot_sheet *s = plot_sheet_of(page, "svg");
    ck_assert_ptr_nonnull(s);
    FILE *stream = open_memstream(&script, &size);
    plot_write_script(stream, s);
    fclose(stream);
    box_count = 0;
    add_box(0, 0, s->width, plot_text_width(page->title) > 0 ? 34 : 0, "the page's title");
    ck_assert_double_ge(s->width, plot_text_width(page->title));
    for (size_t i = 0; i < s->view_count; i++)
        add_data(&s->views[i]);
    add_labels(s, script);
    assert_nothing_meets(s);
    free(script);
    free(s);
}

static const char WORDS[] = "a text that is rather longer than those that axes and legends have in "
                            "any picture of a good paper";
static const double CURVE[3] = {1e-7, 0.3, 2e5},
                    ENTRIES[12] = {1, -2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2};
static const plot_mark MARK = {1, 2};
static const char *const NAMES[5] = {"GD", "gradient descent", "Newton", "least squares", "LSTM"};
static const double HEIGHTS[5] = {1, 2, 0, NAN, 3};

static const char *words(uint64_t length) {
    return WORDS + sizeof WORDS - 1 - length;
}

static uint64_t state;
static uint64_t below(uint64_t bound) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % bound;
}

static void add_random_panel(plot_page *page) {
    plot_panel *p;
    switch (below(4)) {
    case 0:
        p = plot_add_curves(page, words(below(40)), words(below(60)));
        for (uint64_t i = below(PLOT_LINES + 1); i > 0; i--)
            plot_add_line(p, &(plot_line){.label = words(below(below(2) ? 10 : 70)),
                                          .x = CURVE,
                                          .y = CURVE,
                                          .count = (int64_t)below(4)});
        p->log_x = below(2) != 0;
        p->upright_label = words(below(20));
        break;
    case 1:
        p = plot_add_bars(page, words(below(30)),
                          &(plot_bars){NAMES, HEIGHTS, NULL, (int64_t)below(6)});
        break;
    case 2:
        p = plot_add_matrix(page, words(below(20)), ENTRIES, (int64_t)below(4), (int64_t)below(4));
        break;
    default:
        p = plot_add_heat_map(page, words(below(30)), words(below(30)),
                              &(plot_heat){.values = ENTRIES,
                                           .rows = 3,
                                           .cols = 4,
                                           .row_ticks = CURVE,
                                           .same_scale = below(2) != 0,
                                           .colour_label = words(below(40)),
                                           .marks = &MARK,
                                           .mark_count = 1,
                                           .mark_label = words(below(50))});
        break;
    }
    p->log_y = below(2) != 0;
    if (below(2))
        p->title = words(below(70));
    if (p->kind != PLOT_HEAT_MAP)
        for (uint64_t i = below(PLOT_LEVELS + 1); i > 0; i--)
            plot_add_level(p, words(below(20)), 0.5 * (double)i);
}

START_TEST(no_text_meets_another) {
    for (state = 0; state < 800; state++) {
        uint64_t seed = state;
        plot_page page = {.title = below(3) ? words(below(90)) : NULL};
        for (uint64_t count = 1 + below(PLOT_PANELS); count > 0; count--)
            add_random_panel(&page);
        assert_page_is_clear(&page);
        state = seed;
    }
}
END_TEST

START_TEST(panels_stand_in_one_or_two_rows) {
    static const int rows[] = {1, 1, 1, 2, 2, 2}, columns[] = {1, 2, 3, 2, 3, 3};
    plot_page page = {.title = "t"};
    for (size_t i = 0; i < PLOT_PANELS; i++) {
        plot_add_curves(&page, "x", "y");
        plot_sheet *s = plot_sheet_of(&page, "svg");
        ck_assert_int_eq(s->rows, rows[i]);
        ck_assert_int_eq(s->columns, columns[i]);
        for (size_t j = 1; j <= i; j++) {
            const plot_view *v = &s->views[j], *before = v - 1;
            ck_assert(v->row == before->row ? v->top == before->top && v->left > before->left
                                            : v->top > before->top && v->left < before->left);
            ck_assert(v->width == before->width && v->height == before->height);
        }
        free(s);
    }
}
END_TEST

START_TEST(matrices_share_one_scale_and_one_bar) {
    plot_page page = {0};
    plot_add_curves(&page, "step", "loss");
    plot_add_matrix(&page, "one", ENTRIES, 2, 2);
    plot_add_matrix(&page, "two", ENTRIES + 4, 2, 2);
    plot_sheet *s = plot_sheet_of(&page, "svg");
    const plot_view *one = &s->views[1], *two = &s->views[2];
    ck_assert(!one->shares && two->shares && !one->colour_bar && two->colour_bar);
    ck_assert(one->colour.most == 8 && two->colour.most == 8 && two->colour.least == -8);
    ck_assert(one->diverging && two->diverging);
    ck_assert(one->width == one->height && two->width == one->width);
    ck_assert_double_eq(s->width, 1280);
    free(s);
    page.panels[2].heat.same_scale = 0;
    s = plot_sheet_of(&page, "svg");
    ck_assert(!s->views[2].shares && s->views[1].colour_bar);
    ck_assert(s->views[1].colour.most == 4 && s->views[2].colour.most == 8);
    free(s);
    plot_add_matrix(&page, "three", ENTRIES, 2, 2); /* another row: another bar, the same scale */
    s = plot_sheet_of(&page, "svg");
    ck_assert(s->views[2].row == 1 && s->views[2].colour_bar == 0 && s->views[3].colour_bar);
    ck_assert(s->views[3].colour.most == 8 && s->views[1].colour_bar);
    free(s);
}
END_TEST

START_TEST(long_legends_stand_aside) {
    plot_page page = {0};
    plot_panel *p = plot_add_curves(&page, "x", "y");
    for (int i = 0; i < 3; i++)
        plot_add_line(p, &(plot_line){.label = "short", .x = STEPS, .y = LOSS, .count = 4});
    plot_sheet *s = plot_sheet_of(&page, "svg");
    ck_assert(!s->views[0].legend_aside);
    double width = s->width;
    free(s);
    for (int i = 3; i < PLOT_LINES; i++)
        plot_add_line(
            p, &(plot_line){.label = "a label of some length that takes its room, and a lot of it",
                            .x = STEPS,
                            .y = LOSS,
                            .count = 4});
    s = plot_sheet_of(&page, "svg");
    ck_assert(s->views[0].legend_aside);
    ck_assert_double_gt(s->width, width);
    ck_assert_int_eq(plot_legend_count(&s->views[0]), PLOT_LINES);
    free(s);
}
END_TEST

RUN_SUITE("support_plot_layout", spans_hold_data_errors_and_levels, spans_of_nothing_are_drawable,
          one_axis_turns_linear_without_the_other, steps_are_drawn_from_zero,
          bars_stand_on_zero_or_on_a_log_axis, colours_span_a_chain_of_heat_maps, ticks_are_round,
          ticks_never_meet, heat_maps_name_the_rows_that_have_room, no_text_meets_another,
          panels_stand_in_one_or_two_rows, matrices_share_one_scale_and_one_bar,
          long_legends_stand_aside)

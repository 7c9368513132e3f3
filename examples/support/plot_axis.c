/* Axes: what they span, and ticks whose texts do not meet. */
#include "plot_sheet.h"

#include <math.h>
#include <string.h>

void plot_axis_begin(plot_axis *axis, int log) {
    *axis = (plot_axis){.least = INFINITY, .most = -INFINITY, .log = log, .whole = 1};
}

/* Room for the rest below and above: not all that a double holds. */
static const double LARGEST = 1e200, SMALLEST = 1e-200;

int plot_axis_shows(const plot_axis *axis, double value) {
    return fabs(value) <= LARGEST && (!axis->log || value >= SMALLEST);
}

void plot_axis_stretch(plot_axis *axis, double value) {
    if (!plot_axis_shows(axis, value))
        return;
    axis->least = fmin(axis->least, value);
    axis->most = fmax(axis->most, value);
    axis->whole = axis->whole && value == floor(value);
}

int plot_axis_spans(const plot_axis *axis) {
    return axis->least <= axis->most;
}

static double decades_of(const plot_axis *axis) {
    return log10(axis->most) - log10(axis->least);
}

void plot_axis_pad(plot_axis *axis, double part) {
    if (!plot_axis_spans(axis))
        axis->least = axis->log ? 1 : 0, axis->most = axis->log ? 10 : 1;
    if (axis->log) {
        double decades = decades_of(axis), factor = pow(10, part * fmax(decades, log10(1.2)));
        if (!(decades > 1e-5))
            factor = 1.1;
        axis->least /= factor;
        axis->most *= factor;
        return;
    }
    double largest = fmax(fabs(axis->least), fabs(axis->most)), span = axis->most - axis->least;
    double room = part * span;
    if (!(span > fmax(1e-5 * largest, SMALLEST))) /* ticks show seven digits */
        room = largest > SMALLEST ? 0.1 * largest : 1;
    axis->least -= room;
    axis->most += room;
}

/* ---- ticks ---- */

/* About that of DejaVu Sans; without gnuplot's marks where the text has any. */
static double text_width(const char *text, int marked_up) {
    double ems = 0;
    int raised = 0;
    for (; text && *text != '\0'; text++) {
        double wide = strchr("ijlftr.,:;'|!/()[] I", *text) ? 0.36
                      : strchr("mwMW%@", *text)             ? 0.95
                                                            : 0.64;
        if (marked_up && strchr("^{}", *text))
            raised = *text != '}';
        else if (((unsigned char)*text & 0xc0) != 0x80) /* the first byte of a character */
            ems += raised ? 0.8 * wide : wide;
    }
    return ems * PLOT_FONT;
}

double plot_text_width(const char *text) {
    return text_width(text, 0);
}

int plot_is_text(const char *text) {
    return text && text[0] != '\0';
}

double plot_axis_text_width(const plot_axis *axis) {
    double width = 0;
    for (int i = 0; i < axis->tick_count; i++)
        width = fmax(width, text_width(axis->ticks[i].text, 1));
    return width;
}

/* Where a value stands on an axis of that length. */
static double place_of(const plot_axis *a, double length, double value) {
    if (a->log)
        return length * (log10(value) - log10(a->least)) / decades_of(a);
    return length * (value - a->least) / (a->most - a->least);
}

static double half_width(const plot_tick *tick, int upright) {
    return upright ? 8.5 : text_width(tick->text, 1) / 2 + 4;
}

static int texts_fit(const plot_axis *a, double length, int upright) {
    double end = -INFINITY;
    for (int i = 0; i < a->tick_count; i++) {
        const plot_tick *tick = &a->ticks[i];
        double at = place_of(a, length, tick->at), half = half_width(tick, upright);
        if (tick->text[0] == '\0')
            continue;
        if (at - half < end)
            return 0;
        end = at + half;
    }
    return 1;
}

double plot_axis_overhang(const plot_axis *axis, double length) {
    double end = 0;
    for (int i = 0; i < axis->tick_count; i++)
        if (axis->ticks[i].text[0] != '\0')
            end = fmax(end,
                       place_of(axis, length, axis->ticks[i].at) + half_width(&axis->ticks[i], 0));
    return fmax(end - length, 0);
}

static int texts(const plot_axis *a) {
    int count = 0;
    for (int i = 0; i < a->tick_count; i++)
        count += a->ticks[i].text[0] != '\0';
    return count;
}

static void add_tick(plot_axis *a, double at, const char *text) {
    if (a->tick_count == PLOT_MAX_TICKS || at < a->least || at > a->most)
        return;
    plot_tick *tick = &a->ticks[a->tick_count++];
    tick->at = at;
    snprintf(tick->text, sizeof tick->text, "%s", text);
}

/* "0.25"; "2x10^{-5}" where the largest number of the axis would be long. */
static const char *number_text(char *text, size_t size, double value, double largest) {
    if (value == 0 || (largest >= 1e-4 && largest < 1e7)) {
        snprintf(text, size, "%.7g", value);
        return text;
    }
    int power = (int)floor(log10(fabs(value)) + 1e-12);
    char digits[16];
    snprintf(digits, sizeof digits, "%.6g", value / pow(10, power));
    if (strcmp(digits, "1") == 0 || strcmp(digits, "-1") == 0)
        snprintf(text, size, "%.*s10^{%d}", digits[0] == '-', "-", power);
    else
        snprintf(text, size, "%s\xc3\x97%s^{%d}", digits, "10", power);
    return text;
}

/* The least of 1, 2, 5 times a power of ten that is no less. */
static double round_step(double rough) {
    double power = pow(10, floor(log10(rough)));
    return (rough > 5 * power ? 10 : rough > 2 * power ? 5 : rough > power ? 2 : 1) * power;
}

static void list_multiples(plot_axis *a, double step) {
    double largest = fmax(fabs(a->least), fabs(a->most));
    a->tick_count = 0;
    for (double k = ceil(a->least / step - 1e-9); k * step <= a->most + 1e-9 * step; k++) {
        char text[24];
        double at = fmin(fmax(k * step, a->least), a->most);
        add_tick(a, k == 0 ? 0 : at,
                 number_text(text, sizeof text, k == 0 ? 0 : k * step, largest));
    }
}

static void list_linear(plot_axis *a, double length, int upright) {
    for (double parts = 6; parts > 0.01; parts /= 1.5) {
        double step = round_step((a->most - a->least) / parts);
        list_multiples(a, a->whole && step < 1 ? 1 : step);
        if (texts_fit(a, length, upright))
            return;
    }
}

/* The digits times every power of ten, of few decades. */
static void list_digits(plot_axis *a, const char *digits) {
    a->tick_count = 0;
    for (int k = (int)floor(log10(a->least)); k <= (int)ceil(log10(a->most)); k++)
        for (const char *digit = digits; *digit != '\0'; digit++) {
            char text[24];
            double at = (*digit - '0') * pow(10, k);
            add_tick(a, at, number_text(text, sizeof text, at, at));
        }
}

/* Texts of powers of ten that need no exponent. */
static int is_plain(const plot_axis *a) {
    return a->least > 1e-4 && a->most < 1e6;
}

/* Every step-th power of ten, with small ticks between them. */
static void list_powers(plot_axis *a, int step) {
    int first = (int)floor(log10(a->least)), last = (int)ceil(log10(a->most));
    int plain = is_plain(a);
    a->tick_count = 0;
    for (int k = first; k <= last; k++) {
        char text[24] = "";
        if (k % step == 0)
            snprintf(text, sizeof text, plain ? "%.7g" : "10^{%.0f}", plain ? pow(10, k) : k);
        if (step <= 10 || k % step == 0)
            add_tick(a, pow(10, k), text);
        for (int digit = 2; step == 1 && digit < 10; digit++)
            add_tick(a, digit * pow(10, k), "");
    }
}

/* Like a linear axis within a few doublings, then at 1, 2, 5 or 1, 3, then at powers of ten. */
static void list_log(plot_axis *a, double length, int upright) {
    double decades = decades_of(a);
    if (decades < 0.7) {
        list_linear(a, length, upright);
        return;
    }
    static const char *const digits[] = {"125", "13"};
    for (size_t i = 0; i < 2 && decades < (is_plain(a) ? 3 : 2); i++) {
        list_digits(a, digits[i]);
        if (texts_fit(a, length, upright))
            return;
    }
    static const int steps[] = {1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        list_powers(a, steps[i]);
        if (texts(a) <= 8 && texts_fit(a, length, upright))
            return;
    }
}

void plot_axis_ticks(plot_axis *axis, double length, int upright) {
    if (axis->log)
        list_log(axis, length, upright);
    else
        list_linear(axis, length, upright);
}

typedef enum places { CONSECUTIVE, POWERS, ANY } places;

/* k for 2^k, k = 0, 1, ..; else -1. */
static int power_of_two(double value) {
    int exponent;
    return value >= 1 && frexp(value, &exponent) == 0.5 ? exponent - 1 : -1;
}

static places kind_of(const double *values, int64_t count) {
    int consecutive = 1;
    int64_t powers = 0;
    for (int64_t i = 0; values && i < count; i++) {
        consecutive = consecutive && values[i] == floor(values[0]) + (double)i;
        powers += power_of_two(values[i]) >= 0;
    }
    return consecutive ? CONSECUTIVE : powers > 2 ? POWERS : ANY;
}

/* Neighbours that differ by 1 get round numbers; of powers of two and of others every step-th. */
static int labelled(const double *values, places kind, int64_t i, int64_t step) {
    double value = values ? values[i] : (double)(i + 1);
    if (kind == POWERS)
        return power_of_two(value) >= 0 && power_of_two(value) % step == 0;
    return kind == CONSECUTIVE ? fmod(value, (double)step) == 0 : i % step == 0;
}

static int64_t next_step(int64_t step, places kind) {
    if (kind != CONSECUTIVE)
        return 2 * step;
    if (step >= 10)
        return 10 * next_step(step / 10, kind);
    return step == 1 ? 2 : step == 2 ? 5 : 10;
}

void plot_axis_places(plot_axis *axis, const double *values, int64_t count, double length,
                      int upright) {
    places kind = kind_of(values, count);
    for (int64_t step = 1;; step = next_step(step, kind)) {
        int64_t wanted = 0;
        axis->tick_count = 0;
        for (int64_t i = 0; i < count; i++) {
            char text[24];
            if (!labelled(values, kind, i, step))
                continue;
            double value = values ? values[i] : (double)(i + 1);
            add_tick(axis, (double)(i + 1), number_text(text, sizeof text, value, fabs(value)));
            wanted++;
        }
        if (wanted == texts(axis) && (texts_fit(axis, length, upright) || wanted <= 1))
            return;
    }
}

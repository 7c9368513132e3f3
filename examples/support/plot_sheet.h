/* A page with every length known, and the files that gnuplot reads for it.
 *
 * Lengths are in pixels of the SVG, from the upper left corner; a PNG has more of them an inch.
 */
#ifndef EXAMPLES_PLOT_SHEET_H
#define EXAMPLES_PLOT_SHEET_H

#include "plot.h"

#include <stdio.h>

enum { PLOT_FONT = 13, PLOT_TITLE_FONT = 16, PLOT_ENTRY_FONT = 11 };
enum { PLOT_TICK = 14, PLOT_AXIS_LABEL = 24, PLOT_COLOUR_BAR = 14 };
enum { PLOT_TEXT_LINE = 19 }; /* from one line of text to the next */
enum { PLOT_FEW = 40 };       /* points that are marked one by one */
enum { PLOT_NUMBERED = 6 };   /* rows and columns of the largest matrix whose entries are printed */
enum { PLOT_BOXES = 4096 };   /* cells of the largest heat map that is drawn cell by cell */
enum { PLOT_MAX_TICKS = 128 };

typedef struct plot_tick {
    double at;
    char text[24]; /* with gnuplot's ^{ }; "" for a small tick */
} plot_tick;

typedef struct plot_axis {
    double least, most;
    int log;   /* asked for, and there is something above zero */
    int whole; /* nothing but whole numbers */
    int tick_count;
    plot_tick ticks[PLOT_MAX_TICKS];
} plot_axis;

/* ---- plot_axis.c ---- */

/* An axis that spans nothing yet. */
void plot_axis_begin(plot_axis *axis, int log);
/* Whether a log axis, or any other, has a place for it. */
int plot_axis_shows(const plot_axis *axis, double value);
/* Takes in a value that it shows. */
void plot_axis_stretch(plot_axis *axis, double value);
/* Whether it spans anything. */
int plot_axis_spans(const plot_axis *axis);
/* Makes room for `part` of the span at both ends, and a span where there is none. */
void plot_axis_pad(plot_axis *axis, double part);
/* Ticks whose texts have room on so many pixels, beside each other or (upright) one above the
 * other. */
void plot_axis_ticks(plot_axis *axis, double length, int upright);
/* Ticks at 1, 2, ..., with the values (NULL: 1, 2, ...) that stand there as their texts, as many as
 * have room: round numbers of neighbours that differ by 1, powers of two of a grid that has them.
 */
void plot_axis_places(plot_axis *axis, const double *values, int64_t count, double length,
                      int upright);
/* Width of the widest text. */
double plot_axis_text_width(const plot_axis *axis);
double plot_text_width(const char *text); /* NULL: 0 */
int plot_is_text(const char *text);       /* neither NULL nor "" */
/* How far the last text reaches beyond the end of an axis of that length. */
double plot_axis_overhang(const plot_axis *axis, double length);

/* ---- plot_spans.c ---- */

/* What the axes of a panel span; its colours are those of a chain of `chain` panels that share
 * them, of which it is the first. */
void plot_span_curves(const plot_panel *panel, plot_axis *x, plot_axis *y);
void plot_span_bars(const plot_panel *panel, plot_axis *x, plot_axis *y);
void plot_span_heat(const plot_panel *panel, plot_axis *x, plot_axis *y);
void plot_span_colours(const plot_panel *first, size_t chain, plot_axis *colour);

/* ---- plot_sheet.c ---- */

typedef struct plot_view {
    const plot_panel *panel;
    size_t index;
    int row, column;
    plot_axis x, y, colour;
    int shares;     /* takes rows and colours from the view to its left */
    int colour_bar; /* draws it */
    int diverging;  /* the colours */
    double left_room, right_room, top_room, bottom_room;
    double left, top, width, height; /* of the data */
    int legend_aside;                /* to the right of the data, else above */
    int slanted;                     /* labels of the bars */
} plot_view;

typedef struct plot_sheet {
    const plot_page *page;
    const char *kind; /* "png" or "svg" */
    double width, height;
    int rows, columns;
    size_t view_count;
    plot_view views[PLOT_PANELS];
} plot_sheet;

/* malloc; NULL if memory ran out. The page has been checked. */
plot_sheet *plot_sheet_of(const plot_page *page, const char *kind);

/* 0, or -1 with a message: a page that can be drawn. */
int plot_check(const plot_page *page, char *message);

/* ---- plot_legend.c ---- */

/* Lines that the legend takes in a width; 0 if there is nothing to explain. */
int plot_legend_lines(const plot_view *view, double width);
/* Width of the widest entry, and how many there are. */
double plot_legend_width(const plot_view *view);
int plot_legend_count(const plot_view *view);
void plot_put_legend(FILE *file, const plot_sheet *sheet, const plot_view *view);

/* ---- plot_data.c, plot_script.c: writers of one file each ---- */

typedef struct plot_line_view {
    const plot_line *line;
    const plot_view *view;
} plot_line_view;

void plot_write_line(FILE *file, const void *what);   /* plot_line_view */
void plot_write_heat(FILE *file, const void *what);   /* plot_view */
void plot_write_marks(FILE *file, const void *what);  /* plot_view */
void plot_write_bars(FILE *file, const void *what);   /* plot_view */
void plot_write_script(FILE *file, const void *what); /* plot_sheet */

/* ---- parts of the script ---- */

/* 'text', with quotes doubled as gnuplot wants them. */
void plot_put_text(FILE *file, const char *text);
/* gnuplot's size of a font of so many pixels, and of a mark. */
double plot_font(const plot_sheet *sheet, double pixels);
double plot_point(const plot_sheet *sheet, double size);
/* set label 'text' at a point of the sheet, with further words. */
void plot_put_label(FILE *file, const plot_sheet *sheet, const char *text, double x, double y,
                    const char *words);
void plot_put_panel(FILE *file, const plot_sheet *sheet, const plot_view *view);

/* ---- plot_styles.c ---- */

/* How a line is drawn: "lw 1.6 dt ... lc rgb '#...'"; and its mark, "pt 7 ps 0.5". */
void plot_put_line_style(FILE *file, const plot_panel *panel, size_t index);
void plot_put_mark_style(FILE *file, const plot_sheet *sheet, size_t index);
void plot_put_level_style(FILE *file, size_t index);
void plot_put_upright_style(FILE *file);
const char *plot_colour_of(const plot_panel *panel, size_t index);
/* Whether the points of a line are marked; whether they are joined. */
int plot_is_marked(const plot_line *line);
int plot_is_joined(const plot_line *line);
/* Whether there is a place on the axes for a level, and for the vertical line. */
int plot_shows_line(const plot_view *view, size_t index);
int plot_shows_level(const plot_view *view, size_t index);
int plot_shows_upright(const plot_view *view);

#endif

/* When to leave. */
#include "pauses.h"
#include "search.h"

enum { GRID = 64 };                 /* departures tried over a whole shift */
static const double NEARLY = 64.0;  /* times as near as the best departure: about a minute */
static const int64_t VALLEYS = 3;   /* of these, from so many the best nearby is looked for */
static const int64_t HALVINGS = 14; /* of a step, at most: from a shift to a second */
static const double AGAIN = 0.2;    /* how often a route that seems impossible is looked at again in quick looks */
static const int64_t LATER = 8;     /* departures tried for a route that takes too long */

static double value_of(Search *s, const Layout *layout, double departure, double most) {
    s->legs += layout->count;
    if (!s->exact_breaks) return drive_price(s->p, layout, departure, most);
    s->legs += layout->count;
    Score score = drive(s->p, layout, departure, s->times);
    return score.broken ? INFINITY : smaller(score.price, most);
}

static int has_breaks(const Problem *p, int64_t kind) { return p->break_start[kind + 1] > p->break_start[kind]; }

/* Whether the best departure is the latest that costs nothing: no clock in a law, one hard window for each, no
 * breaks. */
static int has_simple_departure(const Problem *p, int64_t kind) {
    return !p->reads_clock && p->simple_windows && !has_breaks(p, kind);
}

/* By how much a departure moves without a later return if legs take as long as they do now: forward time slack
 * (Savelsbergh 1992), no more than the whole wait, and at each stop no more than the wait so far and what is left of
 * its window. */
static double slack_after(Search *s, const Layout *layout, double departure) {
    const Problem *p = s->p;
    double clock = departure, waited = 0.0, room = INFINITY, driven = 0.0;
    s->legs += layout->count;
    for (int64_t i = 0; i < layout->count; i++) {
        const Leg *leg = &layout->legs[i];
        double spent = leg_duration(p, layout->kind, leg, clock);
        double arrive = clock + spent + pause_on_leg(p, layout->kind, driven, driven + spent);
        driven += spent;
        double begin = leg_begin(p, leg, arrive);
        if (begin > arrive) waited += begin - arrive;
        room = smaller(room, waited + larger(p->due[leg->head] - begin, 0.0));
        clock = begin + leg_stay(p, layout->kind, leg, begin);
    }
    double moved = smaller(room, waited);
    return isfinite(moved) && moved > 0.0 ? moved : 0.0;
}

/* The last departure worth trying: after it some window or the shift is over. */
static double last_departure(const Problem *p, const Layout *layout) {
    double last = smaller(p->end[layout->kind], p->horizon);
    for (int64_t i = 0; i < layout->count; i++) last = smaller(last, p->due_by[layout->legs[i].head]);
    return last;
}

/* Move a departure by a step to both sides, and halve the step, until it is small. */
static void climb(Search *s, const Layout *layout, double step, double close, double last, double *best, double *at) {
    double start = layout->start;
    for (int64_t round = 0; round < HALVINGS && step > close; round++) {
        int moved = 0;
        for (int side = 0; side < 2; side++) {
            double next = *at + (side ? step : -step);
            if (next < start) next = start;
            if (next > last || next == *at) continue;
            double value = value_of(s, layout, next, *best);
            if (value < *best) {
                *best = value;
                *at = next;
                moved = 1;
                break;
            }
        }
        if (!moved) step /= 2.0;
    }
}

/* Try departures at equal distances over a shift, and what lies near to the best of them. */
static void survey(Search *s, const Layout *layout, double last, double most, double *best, double *at) {
    double start = layout->start, apart = (last - start) / (double)(GRID - 1), value[GRID];
    for (int64_t i = 0; i < GRID; i++) value[i] = value_of(s, layout, start + apart * (double)i, most);
    climb(s, layout, apart, s->close, last, best, at);
    for (int64_t valley = 0; valley < VALLEYS; valley++) {
        int64_t lowest = 0;
        for (int64_t i = 1; i < GRID; i++)
            if (value[i] < value[lowest]) lowest = i;
        double price = value[lowest], place = start + apart * (double)lowest;
        if (!(price < most)) return;
        climb(s, layout, apart / 2.0, s->close, last, &price, &place);
        if (price < *best) {
            *best = price;
            *at = place;
        }
        /* and those beside it */
        for (int64_t i = lowest > 0 ? lowest - 1 : 0; i <= lowest + 1 && i < GRID; i++) value[i] = INFINITY;
    }
}

/* Look again at a route that seems impossible: one that takes too long may leave later, when less is waited, and
 * breaks that do not suit as soon as they may be taken may suit on other legs. */
static void look_again(Search *s, const Layout *layout, double last, double most, double *best, double *at) {
    const Problem *p = s->p;
    double start = layout->start, later = start;
    if (isfinite(p->longest[layout->kind]) && last > start) {
        later = smaller(start + slack_after(s, layout, start), last);
        for (int64_t i = 0; i <= LATER && *best == INFINITY; i++) {
            *at = i ? start + (last - start) * (double)i / (double)LATER : later;
            *best = value_of(s, layout, *at, most);
        }
    }
    for (int i = 0; i < 2 && *best == INFINITY && has_breaks(p, layout->kind); i++) {
        s->exact_breaks = 1;
        *at = i ? later : start;
        *best = value_of(s, layout, *at, most);
    }
}

/* Return the score of a route at a good departure, its price infinite where none below `most` was found.
 *
 * QUICK: the departure given, and earlier ones where it does not fit. SHIFT: also later, as far as the vehicle would
 * only wait. NEAR: the best nearby. FULL: the best of a grid over the shift, and of what lies near to it. `step` is
 * by how much the route may be longer or shorter than with that departure. */
Score settle(Search *s, Layout *layout, double departure, double step, double most, int effort) {
    const Problem *p = s->p;
    double start = layout->start, at = larger(departure, start), best;
    Score found = {INFINITY, at, INFINITY, layout->broken};
    s->exact_breaks = 0;
    if (layout->broken) return found;
    if (layout->has_left) {
        s->legs += layout->count;
        found = drive(p, layout, start, s->times);
        if (found.broken || !(found.price < most)) found.price = INFINITY;
        return found;
    }
    if (has_simple_departure(p, layout->kind)) {
        at = start + slack_after(s, layout, start);
        best = drive_price(p, layout, at, most);
        s->legs += layout->count;
    } else {
        double last = last_departure(p, layout);
        if (at > last) at = larger(last, start);
        best = value_of(s, layout, at, most);
        if (best == INFINITY && at > start) {
            double earlier = larger(at - step, start);
            best = value_of(s, layout, earlier, most);
            if (best == INFINITY && earlier > start) best = value_of(s, layout, earlier = start, most);
            at = earlier;
        }
        int strict = has_breaks(p, layout->kind) || isfinite(p->longest[layout->kind]);
        if (best == INFINITY && strict && (effort != QUICK || random_share(&s->random) < AGAIN))
            look_again(s, layout, last, most, &best, &at);
        if (effort != QUICK && best < INFINITY && last > start) {
            /* waiting is moved to before the departure */
            double later = smaller(at + slack_after(s, layout, at), last);
            double value = later > at + s->close ? value_of(s, layout, later, smaller(best, most)) : INFINITY;
            if (value < best) {
                best = value;
                at = later;
            }
        }
        if (effort == FULL && last > start) survey(s, layout, last, most, &best, &at);
        else if (effort == NEAR && best < most)
            climb(s, layout, larger(step, NEARLY * s->close), NEARLY * s->close, last, &best, &at);
    }
    if (!(best < most)) return found;
    s->legs += layout->count;
    found = effort == QUICK ? drive_soonest(p, layout, at, s->times) : drive(p, layout, at, s->times);
    if (found.broken) found.price = INFINITY;
    return found;
}

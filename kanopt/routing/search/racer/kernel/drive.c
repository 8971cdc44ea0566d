/* Driving a route that is laid out, from a departure. */
#include "breaks.h"
#include "pauses.h"

/* Whether a vehicle leaves when it cannot have: in the past, or at another time than it did. */
static int leaves_wrongly(const Problem *p, const Layout *layout, double departure) {
    double left = p->has_left[layout->slot], nearly = 5e-7 * smaller(1.0, larger(fabs(left), 1e-3));
    if (departure < p->left_limit[layout->slot]) return 1;
    return layout->has_left && fabs(departure - left) > nearly;
}

static Score with_time(const Problem *p, const Layout *layout, double departure, State end, int64_t broken) {
    int64_t kind = layout->kind;
    double spent = end.clock - departure, over = spent - p->regular_time[kind];
    Score score = {end.price, departure, end.clock, layout->broken | end.broken};
    if (departure < p->start_from[kind]) score.broken |= BROKEN_SHIFT;
    if (departure < layout->released) score.broken |= BROKEN_RELEASE;
    if (p->bound && leaves_wrongly(p, layout, departure)) score.broken |= BROKEN_STARTED;
    if (!isfinite(end.clock)) {
        score.broken |= BROKEN_ROAD;
        score.price = score.finish = INFINITY;
        return score;
    }
    score.broken |= broken;
    score.price += p->fixed[kind] + p->per_time[kind] * spent;
    if (over > 0.0) score.price += p->overtime[kind] * over;
    if (end.clock > p->end[kind]) score.broken |= BROKEN_SHIFT;
    if (spent > p->longest[kind]) score.broken |= BROKEN_DURATION;
    return score;
}

static Score drive_with_breaks(const Problem *p, const Layout *layout, double departure, int64_t ways) {
    int64_t missed = 0;
    State end = place_breaks(p, layout, departure, ways, &missed);
    return with_time(p, layout, departure, end, missed && layout->count ? BROKEN_BREAK : 0);
}

Score drive_without_breaks(const Problem *p, const Layout *layout, double departure, Times times) {
    int64_t kind = layout->kind;
    State at = {departure, 0.0, 0.0, 0};
    double driven = 0.0;
    for (int64_t i = 0; i < layout->count && isfinite(at.clock); i++) {
        const Leg *leg = &layout->legs[i];
        double leave = at.clock, spent = leg_duration(p, kind, leg, leave);
        double arrive = leave + spent + pause_on_leg(p, kind, driven, driven + spent);
        double begin = leg_begin(p, leg, arrive);
        driven += spent;
        if (times.leave) times.leave[i] = leave;
        if (times.arrive) times.arrive[i] = arrive;
        at.clock = begin + leg_stay(p, kind, leg, begin);
        if (!isfinite(spent)) continue; /* nobody is late where no road leads */
        at.price += leg_price(p, kind, leg, leave, spent, lateness(p, leg->head, begin));
        if (begin > p->due_by[leg->head]) at.broken |= BROKEN_WINDOW;
    }
    return with_time(p, layout, departure, at, 0);
}

/* Drive a route; what it costs where rules are broken is told as well. */
Score drive(const Problem *p, const Layout *layout, double departure, Times times) {
    int64_t breaks = p->break_start[layout->kind + 1] - p->break_start[layout->kind];
    if (!breaks) return drive_without_breaks(p, layout, departure, times);
    if (times.leave) drive_without_breaks(p, layout, departure, times);
    return drive_with_breaks(p, layout, departure, p->break_ways);
}

/* The same with breaks where the driver is soonest everywhere: it breaks the same rules, and costs no less. */
Score drive_soonest(const Problem *p, const Layout *layout, double departure, Times times) {
    if (p->break_ways == 1 || p->break_start[layout->kind + 1] == p->break_start[layout->kind])
        return drive(p, layout, departure, times);
    return drive_with_breaks(p, layout, departure, 1);
}

/* Take breaks on a leg as soon as they may begin, while driving or waiting, or before they may no longer; return
 * whether none is missed. `at` is the clock, `begin` when service would begin without a break. */
static int rest_on_the_way(const Problem *p, const Layout *layout, const Leg *leg, int64_t breaks, int64_t *taken,
                           double leave, double spent, double *begin) {
    double clock = leave, remaining = spent;
    while (*taken < breaks) {
        Break rest = break_of(p, layout->kind, *taken);
        double begins = larger(clock, rest.earliest);
        if (begins > *begin && *begin + leg_stay(p, layout->kind, leg, *begin) <= rest.latest) return 1;
        if (begins > rest.latest + BREAK_SLACK) return 0;
        remaining -= smaller(begins - clock, remaining);
        clock = begins + rest.length;
        *begin = leg_begin(p, leg, clock + remaining);
        ++*taken;
    }
    return 1;
}

/* Return the price of a route, infinite where it breaks a rule; `most` as soon as it is clear that it costs no less.
 *
 * This is for ranking: breaks are taken as soon as they may be, where drive() looks for the legs that suit best. */
double drive_price(const Problem *p, const Layout *layout, double departure, double most) {
    int64_t kind = layout->kind, breaks = p->break_start[kind + 1] - p->break_start[kind];
    if (layout->broken) return INFINITY;
    int64_t taken = breaks ? breaks_over_by(p, kind, breaks, departure) : 0;
    State at = {departure, 0.0, 0.0, 0};
    double left = most - p->fixed[kind], driven = 0.0;
    for (int64_t i = 0; i < layout->count; i++) {
        const Leg *leg = &layout->legs[i];
        double leave = at.clock, spent = leg_duration(p, kind, leg, leave);
        double begin = leg_begin(p, leg, leave + spent + pause_on_leg(p, kind, driven, driven + spent));
        driven += spent;
        if (taken < breaks && isfinite(begin) &&
            !rest_on_the_way(p, layout, leg, breaks, &taken, leave, spent, &begin))
            return INFINITY;
        if (!(begin <= p->due_by[leg->head]) || begin > p->end[kind]) return INFINITY;
        at.price += leg_price(p, kind, leg, leave, spent, lateness(p, leg->head, begin));
        if (!(at.price < left)) return most;
        at.clock = begin + leg_stay(p, kind, leg, begin);
    }
    Score score = with_time(p, layout, departure, at, 0);
    return score.broken ? INFINITY : smaller(score.price, most);
}

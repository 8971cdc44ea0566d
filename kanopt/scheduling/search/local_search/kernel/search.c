/* Simulated annealing of a schedule. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

EXPORT int64_t shop_size(void) { return (int64_t)sizeof(Shop); }

static void *room(Search *s, int64_t count, size_t size) {
    void *found = calloc((size_t)(count > 0 ? count : 1), size);
    if (!found) s->failed = 1;
    return found;
}

EXPORT void shop_free(Search *s) {
    if (!s) return;
    void *all[] = {
        s->mode,        s->before,         s->after,        s->first,         s->last,      s->order,     s->place,
        s->family,      s->start,          s->end,          s->hold,          s->paid,      s->waiting,   s->changed,
        s->changed_end, s->changed_family, s->changed_paid, s->changed_start, s->segment,   s->is_marked, s->marked,
        s->path,        s->best_mode,      s->best_start,   s->keys,          s->best_hold, s->piece_at};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    free(s);
}

static void find_pieces(Search *s) {
    const Shop *p = s->p;
    int64_t horizon = p->edges[p->pieces];
    while (horizon >> s->shift > 4096) s->shift++;
    s->buckets = (horizon >> s->shift) + 1;
    s->piece_at = room(s, s->buckets, sizeof *s->piece_at);
    for (int64_t bucket = 0, piece = 0; s->piece_at && bucket < s->buckets; bucket++) {
        while (piece + 1 < p->pieces && p->edges[piece + 1] <= bucket << s->shift) piece++;
        s->piece_at[bucket] = (int32_t)piece;
    }
}

/* Make a search without a schedule; NULL where memory does not suffice. */
EXPORT Search *shop_new(const Shop *p, uint64_t seed) {
    Search *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->p = p;
    s->random = seed;
    int64_t n = p->tasks;
    int32_t **whole[] = {&s->mode,   &s->before,  &s->after,     &s->order,    &s->place,
                         &s->family, &s->waiting, &s->is_marked, &s->changed,  &s->changed_family,
                         &s->path,   &s->segment, &s->marked,    &s->best_mode};
    int64_t **wide[] = {&s->start,       &s->end,          &s->hold,       &s->paid,     &s->changed_start,
                        &s->changed_end, &s->changed_paid, &s->best_start, &s->best_hold};
    for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) *whole[k] = room(s, n + 1, sizeof **whole[k]);
    for (size_t k = 0; k < sizeof wide / sizeof *wide; k++) *wide[k] = room(s, n + 1, sizeof **wide[k]);
    s->first = room(s, p->machines, sizeof *s->first);
    s->last = room(s, p->machines, sizeof *s->last);
    s->keys = room(s, n, sizeof *s->keys);
    find_pieces(s);
    s->best_cost = s->best_over = INT64_MAX;
    if (s->failed) {
        shop_free(s);
        return NULL;
    }
    return s;
}

/* Time all tasks in the order that stands, with the links that stand. */
static void time_all(Search *s) {
    for (int64_t task = 0; task < s->p->tasks; task++) {
        s->start[task] = s->end[task] = s->paid[task] = 0;
        s->family[task] = -1;
        s->is_marked[task] = 0;
        shop_wait(s, (int32_t)task);
    }
    s->cost = s->over = s->energy = 0;
    s->moved = -1;
    s->waiting_from = 0;
    shop_time(s, HUGE_VAL);
    s->changed_count = 0;
    s->path_known = 0;
}

static int is_better(int64_t over, int64_t cost, int64_t best_over, int64_t best_cost) {
    return over < best_over || (over == best_over && cost < best_cost);
}

static void keep_best(Search *s) {
    if (!is_better(s->over, s->cost, s->best_over, s->best_cost)) return;
    size_t n = (size_t)s->p->tasks;
    memcpy(s->best_mode, s->mode, n * sizeof *s->mode);
    memcpy(s->best_start, s->start, n * sizeof *s->start);
    memcpy(s->best_hold, s->hold, n * sizeof *s->hold);
    s->best_cost = s->cost;
    s->best_over = s->over;
    s->improved++;
}

/* Put tasks on their machines in an order in which none comes before one it follows in its job. */
static void link_in_order(Search *s) {
    const Shop *p = s->p;
    for (int64_t machine = 0; machine < p->machines; machine++) s->first[machine] = s->last[machine] = -1;
    for (int64_t at = 0; at < p->tasks; at++) {
        int32_t task = s->order[at], machine = p->mode_machine[s->mode[task]], before = s->last[machine];
        s->place[task] = (int32_t)at;
        s->before[task] = before;
        s->after[task] = -1;
        if (before >= 0) s->after[before] = task;
        else s->first[machine] = task;
        s->last[machine] = task;
    }
}

/* Take a schedule: modes, an order of all tasks, and until when each is held back. Its starts and cost follow. */
EXPORT void shop_begin(Search *s, const int32_t *mode, const int32_t *order, const int64_t *hold) {
    size_t n = (size_t)s->p->tasks;
    memcpy(s->mode, mode, n * sizeof *mode);
    memcpy(s->order, order, n * sizeof *order);
    memcpy(s->hold, hold, n * sizeof *hold);
    link_in_order(s);
    time_all(s);
    keep_best(s);
}

/* Take steps while heat falls evenly on the scale of logarithms; end after `work` tasks were timed. Return the steps.
 */
EXPORT int64_t shop_anneal(Search *s, int64_t work, double hot, double cold) {
    int64_t until = s->work + work, began = s->work, steps = 0;
    double heat = hot, fall = log(cold / hot);
    for (; s->work < until; steps++) {
        if (steps % 64 == 0) heat = hot * exp(fall * (double)(s->work - began) / (double)work);
        double now = (double)s->cost + (double)s->p->over * (double)s->over;
        double most = now - heat * log(1.0 - random_share(&s->random));
        s->work++;
        if (shop_try(s, most)) {
            s->accepted++;
            keep_best(s);
        }
    }
    s->steps += steps;
    return steps;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Return the median of what moves cost that make the schedule dearer; 0 where none is found. */
EXPORT double shop_scale(Search *s) {
    int64_t most = s->p->tasks, count = 0;
    for (int64_t trial = 0; trial < 8 * most + 1000 && count < most; trial++) {
        double more = shop_probe(s);
        if (more > 0) s->keys[count++] = more;
    }
    qsort(s->keys, (size_t)count, sizeof *s->keys, compare);
    return count ? s->keys[count / 2] : 0.0;
}

/* Dispatch (Giffler and Thompson 1960): of the tasks that compete with the one that could end first, on its machine
 * and before that end, the one of the smallest key is appended. */
static void dispatch(Search *s, const double *key) {
    const Shop *p = s->p;
    for (int64_t machine = 0; machine < p->machines; machine++) s->first[machine] = s->last[machine] = -1;
    int32_t *next = s->segment,
            *ready_mode = s->marked; /* by job: its next task, and the mode that would end it first */
    int64_t *starts = s->changed_start, *ends = s->changed_end;
    for (int64_t job = 0; job < p->jobs; job++) next[job] = -1;
    for (int64_t task = 0; task < p->tasks; task++) {
        s->hold[task] = 0;
        if (p->previous[task] < 0) next[p->task_job[task]] = (int32_t)task;
    }
    int32_t stale = -1; /* the machine on which a task was put last; only what could run there is looked at again */
    for (int64_t job = 0; job < p->jobs; job++) ready_mode[job] = -1;
    for (int64_t at = 0; at < p->tasks; at++) {
        int64_t soonest = INT64_MAX;
        int32_t first = -1;
        for (int64_t job = 0; job < p->jobs; job++) {
            int32_t task = next[job];
            if (task < 0) continue;
            int look = ready_mode[job] < 0;
            for (int32_t m = p->mode_start[task]; !look && m < p->mode_start[task + 1]; m++)
                look = p->mode_machine[m] == stale;
            if (look) {
                int64_t best = INT64_MAX;
                for (int32_t m = p->mode_start[task]; m < p->mode_start[task + 1]; m++) {
                    int32_t by;
                    s->mode[task] = m;
                    s->before[task] = s->last[p->mode_machine[m]];
                    int64_t begin = shop_in_window(p, p->mode_machine[m], shop_ready(s, task, &by), p->duration[m]);
                    s->work++;
                    if (begin + p->duration[m] < best) {
                        best = begin + p->duration[m];
                        starts[job] = begin;
                        ends[job] = best;
                        ready_mode[job] = m;
                    }
                }
            }
            if (ends[job] < soonest) {
                soonest = ends[job];
                first = (int32_t)job;
            }
        }
        int32_t machine = p->mode_machine[ready_mode[first]], chosen = first;
        for (int64_t job = 0; job < p->jobs; job++) {
            if (next[job] < 0 || p->mode_machine[ready_mode[job]] != machine || starts[job] >= soonest) continue;
            if (key[next[job]] < key[next[chosen]]) chosen = (int32_t)job;
        }
        int32_t task = next[chosen], mode = ready_mode[chosen];
        s->mode[task] = mode;
        s->before[task] = s->last[machine];
        s->start[task] = starts[chosen];
        s->end[task] = ends[chosen];
        int32_t family = p->task_family[task];
        if (!family) family = s->before[task] >= 0 ? s->family[s->before[task]] : p->machine_family[machine];
        s->family[task] = family;
        s->last[machine] = task;
        s->order[at] = task;
        next[chosen] = p->next[task];
        ready_mode[chosen] = -1;
        stale = machine;
    }
    link_in_order(s);
    time_all(s);
}

/* Dispatch by keys that are moved at random by up to `noise`, again and again until so much work is done, the first
 * time by the keys as they are; the best schedule is kept, and the search goes on from it. */
EXPORT void shop_dispatch(Search *s, const double *keys, double noise, int64_t work) {
    int64_t until = s->work + work;
    for (int64_t pass = 0; !pass || s->work < until; pass++) {
        for (int64_t task = 0; task < s->p->tasks; task++)
            s->keys[task] = keys[task] + (pass ? noise * (random_share(&s->random) - 0.5) : 0.0);
        dispatch(s, s->keys);
        keep_best(s);
    }
}

typedef struct {
    int64_t cost, over, best_cost, best_over, steps, accepted, improved, work;
} Report;

EXPORT void shop_report(const Search *s, Report *report) {
    Report found = {s->cost, s->over, s->best_cost, s->best_over, s->steps, s->accepted, s->improved, s->work};
    *report = found;
}

/* Write down the modes and starts of the schedule that stands, or the best one. */
EXPORT void shop_schedule(const Search *s, int best, int32_t *mode, int64_t *start) {
    size_t n = (size_t)s->p->tasks;
    memcpy(mode, best ? s->best_mode : s->mode, n * sizeof *mode);
    memcpy(start, best ? s->best_start : s->start, n * sizeof *start);
}

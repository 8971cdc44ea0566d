/* When every task runs, and what that costs: only what a move changes is timed again. */
#include "shop.h"

enum { JOB = 0, MACHINE = 1, HELD = 2, NOTHING = 3 };

/* Return when a task may start but for the windows of its machine; `by`: what it waits for. */
int64_t shop_ready(const Search *s, int32_t task, int32_t *by) {
    const Shop *p = s->p;
    int32_t machine = p->mode_machine[s->mode[task]], before = s->before[task], previous = p->previous[task];
    int64_t job = previous >= 0 ? s->end[previous] : p->release[p->task_job[task]];
    int32_t family = before >= 0 ? s->family[before] : p->machine_family[machine];
    int64_t free = (before >= 0 ? s->end[before] : 0) +
                   p->setup[(machine * p->families + family) * p->families + p->task_family[task]];
    int64_t ready = job;
    *by = previous >= 0 ? JOB : NOTHING;
    if (free > ready || (free == ready && before >= 0 && (previous < 0 || (task & 1)))) {
        ready = free;
        *by = before >= 0 ? MACHINE : NOTHING;
    }
    if (s->hold[task] > ready) {
        ready = s->hold[task];
        *by = HELD;
    }
    return ready;
}

/* Return the first start in a window that is long enough; after the last window it is too late, which costs. */
int64_t shop_in_window(const Shop *p, int32_t machine, int64_t ready, int64_t duration) {
    const int64_t *opens = p->opens + machine * p->windows, *closes = p->closes + machine * p->windows;
    int64_t count = p->windows_of[machine], low = 0, high = count - 1;
    while (low < high) { /* the first window that closes late enough */
        int64_t middle = (low + high) / 2;
        if (closes[middle] < ready + duration) low = middle + 1;
        else high = middle;
    }
    for (; low < count - 1; low++) {
        int64_t start = ready > opens[low] ? ready : opens[low];
        if (start + duration <= closes[low]) return start;
    }
    return ready > opens[count - 1] ? ready : opens[count - 1];
}

int64_t shop_piece(const Search *s, int64_t time) {
    const Shop *p = s->p;
    int64_t bucket = time >> s->shift;
    int64_t piece = s->piece_at[bucket < s->buckets ? bucket : s->buckets - 1];
    while (piece + 1 < p->pieces && p->edges[piece + 1] <= time) piece++;
    return piece;
}

static int64_t paid_until(const Search *s, int32_t mode, int64_t time) {
    const Shop *p = s->p;
    int64_t piece = shop_piece(s, time), at = mode * p->pieces + piece;
    return p->until[at] + p->energy[at] * (time - p->edges[piece]);
}

int64_t shop_paid(const Search *s, int32_t mode, int64_t start, int64_t end) {
    const Shop *p = s->p;
    if (p->pieces == 1) return p->running[mode] + p->energy[mode] * (end - start);
    return p->running[mode] + paid_until(s, mode, end) - paid_until(s, mode, start);
}

static int64_t over_limit(const Search *s, int32_t mode, int64_t end) {
    const Shop *p = s->p;
    int32_t machine = p->mode_machine[mode];
    int64_t limit = p->closes[machine * p->windows + p->windows_of[machine] - 1];
    return end > limit ? end - limit : 0;
}

/* Say that a task is to be timed again; the order of all tasks may not change before it is. */
void shop_wait(Search *s, int32_t task) {
    if (task < 0 || s->waiting[task]) return;
    s->waiting[task] = 1;
    if (!s->waiting_count++ || s->place[task] < s->waiting_from) s->waiting_from = s->place[task];
}

static void note(Search *s, int32_t task) {
    int64_t at = s->changed_count++;
    s->changed[at] = task;
    s->changed_start[at] = s->start[task];
    s->changed_end[at] = s->end[task];
    s->changed_paid[at] = s->paid[task];
    s->changed_family[at] = s->family[task];
}

static int64_t regular_cost(const Search *s) {
    const Shop *p = s->p;
    int64_t longest = 0, late = 0;
    for (int64_t job = 0; job < p->jobs; job++) {
        int64_t end = s->end[p->last[job]];
        longest = end > longest ? end : longest;
        if (end > p->due[job]) late += p->tardiness[job] * (end - p->due[job]);
    }
    return p->makespan * longest + late;
}

/* Time all waiting tasks and those that wait for them, and set the cost; give up, and return 0, once it is above
 * `most`. */
int shop_time(Search *s, double most) {
    const Shop *p = s->p;
    double longest = p->makespan ? (most - (double)p->least) / (double)p->makespan : 1e18;
    int64_t worst = longest < 1e17 ? (int64_t)longest : INT64_MAX;
    s->changed_count = 0;
    for (int64_t at = s->waiting_from; s->waiting_count; at++) {
        int32_t task = s->order[at];
        if (!s->waiting[task]) continue;
        s->waiting[task] = 0;
        s->waiting_count--;
        s->work++;
        int32_t mode = s->mode[task], by, before = s->before[task], family = p->task_family[task];
        int32_t machine = p->mode_machine[mode];
        int64_t start = shop_in_window(p, machine, shop_ready(s, task, &by), p->duration[mode]);
        int64_t end = start + p->duration[mode];
        if (!family) family = before >= 0 ? s->family[before] : p->machine_family[machine];
        int ends_anew = end != s->end[task];
        if (!ends_anew && family == s->family[task] && start == s->start[task] && task != s->moved) continue;
        int64_t paid = shop_paid(s, mode, start, end);
        int32_t old_mode = task == s->moved ? s->moved_mode : mode;
        note(s, task);
        s->over += over_limit(s, mode, end) - over_limit(s, old_mode, s->end[task]);
        s->energy += paid - s->paid[task];
        s->start[task] = start;
        s->end[task] = end;
        s->paid[task] = paid;
        int family_anew = family != s->family[task];
        s->family[task] = family;
        if (end + p->tail[task] > worst) {
            for (int64_t rest = at + 1; s->waiting_count; rest++) {
                s->waiting_count -= s->waiting[s->order[rest]];
                s->waiting[s->order[rest]] = 0;
            }
            return 0;
        }
        if (ends_anew) shop_wait(s, p->next[task]);
        if (ends_anew || family_anew) shop_wait(s, s->after[task]);
    }
    s->cost = regular_cost(s) + s->energy;
    return (double)s->cost + (double)p->over * (double)s->over <= most;
}

/* Take back what the last timing changed. */
void shop_undo(Search *s) {
    for (int64_t at = s->changed_count; at-- > 0;) {
        int32_t task = s->changed[at];
        s->start[task] = s->changed_start[at];
        s->end[task] = s->changed_end[at];
        s->paid[task] = s->changed_paid[at];
        s->family[task] = s->changed_family[at];
    }
    s->changed_count = 0;
    s->cost = s->cost_before;
    s->over = s->over_before;
    s->energy = s->energy_before;
}

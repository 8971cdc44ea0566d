/* Many routes driven at once, for those who compare or measure. */
#include "drive.h"

EXPORT int64_t racer_problem_size(void) { return (int64_t)sizeof(Problem); }

/* Routes `i` have vehicle slots[i] and stops[start[i] .. start[i + 1]]; return 0, or 1 where memory does not suffice.
 */
EXPORT int racer_drive(const Problem *p, int64_t routes, const int32_t *slots, const int64_t *start,
                       const int32_t *stops, const double *departure, Score *scores) {
    int64_t longest = 0;
    for (int64_t i = 0; i < routes; i++)
        if (start[i + 1] - start[i] > longest) longest = start[i + 1] - start[i];
    Layout layout = {0};
    int failed = !make_layout(p, longest, &layout);
    for (int64_t i = 0; i < routes && !failed; i++) {
        lay_out(p, slots[i], stops + start[i], start[i + 1] - start[i], &layout);
        scores[i] = drive(p, &layout, departure[i], (Times){NULL, NULL});
    }
    free_layout(&layout);
    return failed;
}

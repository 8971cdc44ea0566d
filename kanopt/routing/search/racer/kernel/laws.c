/* Laws of legs: steps over numbers, cubic splines, step functions, arrival functions. */
#include "racer.h"

static double curve_value(const Curve *curve, double x) {
    double length = curve->high - curve->low, inside;
    if (curve->periodic) {
        inside = fmod(x - curve->low, length);
        if (inside < 0.0) inside += length;
    } else {
        inside = smaller(larger(x, curve->low), curve->high) - curve->low;
    }
    double place = inside / curve->width;
    int64_t span = place == place ? (int64_t)place : 0;
    if (span >= curve->spans) span = curve->spans - 1;
    if (span < 0) span = 0;
    double t = place - (double)span;
    const double *c = curve->powers + 4 * span;
    double value = ((c[3] * t + c[2]) * t + c[1]) * t + c[0];
    if (!curve->periodic) {
        if (x < curve->low) value += curve->slope_low * (x - curve->low);
        if (x > curve->high) value += curve->slope_high * (x - curve->high);
    }
    return value;
}

static double stairs_value(const Stairs *stairs, double x) {
    if (x != x) return x;
    int64_t low = 0, high = stairs->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (stairs->breakpoints[middle] <= x) low = middle + 1;
        else high = middle;
    }
    return stairs->values[low];
}

static double logistic(double x) {
    /* exp of a number that is not positive only, so that nothing overflows */
    double small = exp(-fabs(x));
    return (x >= 0.0 ? 1.0 : small) / (1.0 + small);
}

static double day_time(double clock, double day) {
    if (clock >= 0.0 && clock < day) return clock; /* which fmod would return as well, in ten times the time */
    double value = fmod(clock, day);
    return value < 0.0 ? value + day : value;
}

static double converted(double x, const Op *op) { return op->d == 1.0 ? x * op->c : x * op->c / op->d; }

static double power(double base, double exponent) {
    if (exponent == -1.0) return 1.0 / base;
    if (exponent == 2.0) return base * base;
    if (exponent == 0.5) return sqrt(base);
    return pow(base, exponent);
}

/* The value of a law on a row of what it looks up. */
double law_value(const Problem *p, const Law *law, const double *row, double load, double clock, double spent,
                 double late) {
    double r[law->count];
    const Op *ops = law->ops;
    for (int64_t i = 0; i < law->count; i++) {
        const Op *op = &ops[i];
        double value;
        switch (op->code) {
        case OP_CONSTANT: value = op->c; break;
        case OP_ARC: value = row[op->a]; break;
        case OP_LOAD: value = converted(load, op); break;
        case OP_CLOCK: value = day_time(converted(clock, op), op->a); break;
        case OP_CONVERT: value = converted(r[op->a], op); break;
        case OP_DURATION: value = converted(spent, op); break;
        case OP_LATE: value = converted(late, op); break;
        case OP_ADD: value = r[op->a] + r[op->b]; break;
        case OP_MULTIPLY: value = r[op->a] * r[op->b]; break;
        case OP_ADD_ARC: value = r[op->a] + row[op->b]; break;
        case OP_MULTIPLY_ARC: value = r[op->a] * row[op->b]; break;
        case OP_MAXIMUM: value = larger(r[op->a], r[op->b]); break;
        case OP_MINIMUM: value = smaller(r[op->a], r[op->b]); break;
        case OP_POWER: value = power(r[op->a], r[op->b]); break;
        case OP_CURVE: value = curve_value(&p->curves[op->b], r[op->a]); break;
        case OP_STAIRS: value = stairs_value(&p->stairs[op->b], r[op->a]); break;
        case OP_EXP: value = exp(r[op->a]); break;
        case OP_LOG: value = log(r[op->a]); break;
        case OP_LOG1P: value = log1p(r[op->a]); break;
        case OP_SQRT: value = sqrt(r[op->a]); break;
        case OP_SQUARE: value = r[op->a] * r[op->a]; break;
        case OP_SIN: value = sin(r[op->a]); break;
        case OP_COS: value = cos(r[op->a]); break;
        case OP_TANH: value = tanh(r[op->a]); break;
        case OP_ATAN: value = atan(r[op->a]); break;
        case OP_LOGISTIC: value = logistic(r[op->a]); break;
        case OP_SOFTPLUS: value = larger(r[op->a], 0.0) + log1p(exp(-fabs(r[op->a]))); break;
        case OP_ABS: value = fabs(r[op->a]); break;
        case OP_RELU: value = larger(r[op->a], 0.0); break;
        default: value = NAN;
        }
        r[i] = value;
    }
    double value = r[law->count - 1];
    return isfinite(value) ? (value > 0.0 ? value : 0.0) : INFINITY;
}

/* The first point that is not before the clock is looked for; a clock past a jump by rounding is at the jump. */
double arrival_time(const Problem *p, int64_t function, double clock) {
    int64_t first = p->arrival_start[function], end = p->arrival_start[function + 1];
    int64_t low = first, high = end;
    const double *leave = p->arrival_leave, *arrive = p->arrival_arrive;
    double earlier = clock - p->arrival_noise;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (leave[middle] < earlier) low = middle + 1;
        else high = middle;
    }
    if (low == end) return arrive[end - 1] + (clock - leave[end - 1]);
    if (low == first && clock < leave[first]) return arrive[first] + (clock - leave[first]);
    if (leave[low] <= clock) return arrive[low];
    double width = leave[low] - leave[low - 1];
    return arrive[low - 1] + (arrive[low] - arrive[low - 1]) * (clock - leave[low - 1]) / width;
}

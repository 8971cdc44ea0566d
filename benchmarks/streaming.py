"""Learn from Parquet files larger than one would load: rows per second, memory, and whether time is linear in rows.

Synthetic trips with a known cost: eight float64 columns, errors of 8 %. The files are written to a temporary folder,
batch by batch. Every fit runs in a fresh process on one thread, with everything of KANRegressor left at "auto". Beside
it gradient boosting (HistGradientBoostingRegressor of scikit-learn, on the logarithm of the cost, which suits errors in
percent) reads the whole file into memory.

Memory is the peak resident set of the process (getrusage) less what it was after ``import kanopt``. R² is that of the
predictions against the true cost, without error, of 200,000 further trips. The law is learned from a sample of fixed
size; "reading" is the CPU time without that, in which the whole file is read once to check it and draw the sample, and
once to measure the law. "law s" is what reading the formula takes after that, with 20,000 further trips held out; the
formulas stand below the table.

    python benchmarks/streaming.py --rows 1000000 3000000 10000000 --models kanopt boosting
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from _bench import asked, footer, in_own_process, print_table

MODELS = ("kanopt", "boosting")
BATCH = 250_000
TEST, HELD_OUT = 200_000, 20_000
NOISE = 0.08
TARGET = "cost_eur"


def trips(rows: int, seed: int) -> tuple[Any, Any]:
    """Return a frame of eight features, and the true cost of every row."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "distance_km": np.clip(rng.gamma(2.0, 30.0, rows), 1.0, 600.0),
            "load_t": rng.uniform(0.5, 18.0, rows),
            "stops": rng.integers(1, 21, rows).astype(float),
            "speed_kmh": rng.uniform(25.0, 85.0, rows),
            "climb_m": rng.gamma(1.5, 120.0, rows),
            "fuel_price": rng.normal(1.65, 0.12, rows),
            "temperature_c": rng.normal(11.0, 9.0, rows),
            "age_years": rng.uniform(0.0, 15.0, rows),
        }
    )
    per_km = (0.14 + 0.011 * frame["load_t"]) * (1.0 + ((frame["speed_kmh"] - 58.0) / 60.0) ** 2)
    fuel = frame["fuel_price"] * (frame["distance_km"] * per_km + 0.002 * frame["load_t"] * frame["climb_m"])
    wage = 27.0 * (frame["distance_km"] / frame["speed_kmh"] + 0.11 * frame["stops"])
    wear = frame["distance_km"] * (0.06 + 0.004 * frame["age_years"])
    cold = 0.15 * np.maximum(4.0 - frame["temperature_c"], 0.0)
    return frame, (fuel + wage + wear + cold).to_numpy()


def generate(path: Path, rows: int) -> None:
    """Write a file of trips with errors of 8 %."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = [*trips(1, seed=0)[0], TARGET]
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names])) as writer:
        for number, start in enumerate(range(0, rows, BATCH)):
            frame, truth = trips(min(BATCH, rows - start), seed=number + 1)
            cost = truth * np.exp(rng.normal(0.0, NOISE, len(truth)))
            writer.write_table(pa.Table.from_pandas(frame.assign(**{TARGET: cost}), writer.schema))


def work(role: str, path: str, rows: int, seed: int) -> dict[str, Any]:
    """Write the file, or fit one model in this process and say what it took."""
    if role == "generate":
        generate(Path(path), rows)
        return {}
    import resource
    import time

    import numpy as np

    import kanopt as ko

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0

    learning, reading = 0.0, 0.0
    formula: Any = None
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    if role == "kanopt":
        ticks: list[float] = []
        model = ko.KANRegressor(seed=seed).fit(
            path, TARGET, progress=lambda _: ticks.append(time.process_time())
        )
        learning = ticks[-1] - ticks[0]
        words = str(model.summary()).partition("\n")[0]

        def predict(frame: Any) -> Any:
            return model.predict(frame)

    else:
        import pandas as pd
        from sklearn.ensemble import HistGradientBoostingRegressor

        table = pd.read_parquet(path)
        boosting = HistGradientBoostingRegressor(random_state=seed)
        boosting.fit(table.drop(columns=TARGET), np.log(table[TARGET]))
        factor = float(np.exp(np.log(table[TARGET]) - boosting.predict(table.drop(columns=TARGET))).mean())
        words = "100 trees of 31 leaves"

        def predict(frame: Any) -> Any:
            return factor * np.exp(boosting.predict(frame))

    cpu, wall, memory = time.process_time() - cpu, time.perf_counter() - wall, peak() - before
    if role == "kanopt":
        reading = time.process_time()
        held_out, cost = trips(HELD_OUT, seed=10**6 + 1)
        noise = np.random.default_rng(1).normal(0.0, NOISE, HELD_OUT)
        formula = model.to_formula(held_out, cost * np.exp(noise))
        reading = time.process_time() - reading
    frame, truth = trips(TEST, seed=10**6)
    error = predict(frame) - truth
    return {
        "model": role,
        "wall s": wall,
        "CPU s": cpu,
        "reading s": cpu - learning,
        "MiB above import": memory,
        "R² to truth": r2(truth + error, truth),
        "Σpredicted/Σtrue": 1.0 + float(error.sum() / truth.sum()),
        "law s": reading,
        "R² of the formula": 0.0 if formula is None else r2(formula.evaluate(frame), truth),
        "formula": str(formula).partition("\n")[0] if formula is not None else "",
        "law": words,
    }


def r2(predicted: Any, truth: Any) -> float:
    """Return the share of the variance of the truth that is predicted."""
    return 1.0 - float(((predicted - truth) ** 2).sum()) / float(((truth - truth.mean()) ** 2).sum())


def main() -> None:
    given = asked(
        __doc__,
        rows=([1_000_000, 3_000_000, 10_000_000], "of the files"),
        models=(list(MODELS), "which", MODELS),
        seed=(7, "of the models"),
        child=(str, argparse.SUPPRESS),
    )
    if given.child:
        print(json.dumps(work(**json.loads(given.child))))
        return
    results = []
    for rows in sorted(given.rows):
        with tempfile.TemporaryDirectory() as folder:
            order = {"path": f"{folder}/trips.parquet", "rows": rows, "seed": given.seed}
            in_own_process({"role": "generate", **order})
            results += [{"rows": rows, **in_own_process({"role": role, **order})} for role in given.models]
    for each in results:
        print(f"{each['rows']:,} rows, {each['model']}: {each.pop('law')}; {each.pop('formula')}")
    print_table(results, ",.6g")
    print(f"\n{footer(['scikit-learn', 'pyarrow'], given.seed)}")


if __name__ == "__main__":
    main()

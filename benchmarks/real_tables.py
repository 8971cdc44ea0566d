"""Fit two real tables and print accuracy beside linear regression and gradient boosting.

Freight cost of the USAID SCMS delivery history (log cost from weight, value, mode, country, year) and fare and
minutes of NYC taxi trips of March 2019, each with the same 5 folds for every model. Every model of a log target is
corrected by Duan's smearing factor, so that sums of predictions are comparable.

What is expected of every table was written down before the models that are compared today were run on it
(freight and taxi trips had been measured with an earlier kanopt, linear regression and gradient boosting):

| table | class | why |
|---|---|---|
| SCMS freight | interactions | a tariff is a rate per kilogram by mode, lane and weight: weight × mode × country |
| taxi fare | smooth | a meter adds distance and waiting time; only flat airport fares depend on both ends |
| taxi minutes | interactions | distance / speed, and speed depends on hour × weekday and on the place |
| flights air time | smooth | climb, plus distance / speed; wind and season are factors: logarithms add up |
| road traffic | interactions | the profile of the day is another one at weekends: hour × weekday |

On the tables of class "interactions" the root mean square error should be within 10 % of gradient boosting, on the
smooth ones below it; on every table at most that of an additive spline model, and Σpredicted/Σactual within 2 % of 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

import kanopt as ko


class Smeared:
    """A regressor of log y whose predictions are corrected by Duan's (1983) smearing factor."""

    def __init__(self, model: object) -> None:
        self.model = model

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Smeared:
        self.model.fit(X, np.log(y))
        self.factor = float(np.mean(np.exp(np.log(y) - self.model.predict(X))))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.exp(self.model.predict(X)) * self.factor


def linear(X: pd.DataFrame, *, logs: bool) -> object:
    """Return linear regression on one-hot categories and numbers (their logs where all are positive)."""
    texts = list(X.select_dtypes(exclude="number"))
    numbers = [name for name in X if name not in texts]
    positive = [name for name in numbers if logs and X[name].min() > 0]
    rest = [name for name in numbers if name not in positive]
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts),
        (FunctionTransformer(np.log), positive),
        ("passthrough", rest),
    )
    return make_pipeline(columns, LinearRegression())


def boosting(X: pd.DataFrame, seed: int) -> object:
    """Return histogram gradient boosting with native categories."""
    texts = list(X.select_dtypes(exclude="number"))
    rest = [name for name in X if name not in texts]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, texts), ("passthrough", rest))
    model = HistGradientBoostingRegressor(random_state=seed, categorical_features=list(range(len(texts))))
    return make_pipeline(columns, model)


def scms(data: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Return features and freight cost in USD of the SCMS shipments whose cost and weight are numbers."""
    path = data / "tables" / "scms_delivery" / "SCMS_Delivery_History_Dataset.csv"
    numbers = ["Weight (Kilograms)", "Freight Cost (USD)", "Line Item Value"]
    schema = ko.Schema.from_dict(
        {
            **{name: {"kind": "number", "minimum": 0} for name in numbers},
            "Delivered to Client Date": {"kind": "datetime", "format": "%d-%b-%y"},
            "Shipment Mode": {"kind": "category"},
            "Country": {"kind": "category"},
        }
    )
    table = ko.read_table(path, schema=schema, on_bad="drop")
    print(ko.report_of(table), "\n")
    table = table[(table["Freight Cost (USD)"] > 0) & (table["Weight (Kilograms)"] > 0)]
    table = table[table["Line Item Value"] > 0]
    common = table["Country"].value_counts()
    country = table["Country"].astype(str)
    features = pd.DataFrame(
        {
            "weight_kg": table["Weight (Kilograms)"],
            "value_usd": table["Line Item Value"],
            "mode": table["Shipment Mode"].astype(object).fillna("not stated"),
            "country": country.where(country.map(common).astype(int) >= 20, "other"),
            "year": table["Delivered to Client Date"].dt.year.astype(float),
        }
    )
    return features.reset_index(drop=True), table["Freight Cost (USD)"].reset_index(drop=True)


def taxi(data: Path) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return features, fare in USD and minutes of the taxi trips between known boroughs."""
    table = ko.read_table(data / "tables" / "nyc_taxi" / "taxis.csv")
    pickup = pd.to_datetime(table["pickup"])
    minutes = (pd.to_datetime(table["dropoff"]) - pickup).dt.total_seconds() / 60
    known = table["pickup_borough"].notna() & table["dropoff_borough"].notna()
    kept = (table["distance"] > 0) & (minutes > 0) & (minutes < 180) & known
    features = pd.DataFrame(
        {
            "distance_mi": table["distance"],
            "hour": pickup.dt.hour + pickup.dt.minute / 60,
            "weekday": pickup.dt.day_of_week.astype(float),
            "color": table["color"].astype(str),
            "boroughs": table["pickup_borough"].astype(str) + " → " + table["dropoff_borough"].astype(str),
        }
    )
    common = features["boroughs"].value_counts()
    rare = features["boroughs"].map(common) < 20
    features["boroughs"] = features["boroughs"].where(~rare, "other")
    keep = kept.to_numpy()
    return tuple(part[keep].reset_index(drop=True) for part in (features, table["fare"], minutes))


def measure(
    name: str, X: pd.DataFrame, y: pd.Series, models: dict[str, Callable[[], object]], seed: int
) -> list[dict[str, object]]:
    """Return one row per model: accuracy over 5 folds in original units, and CPU seconds per fit."""
    rows = []
    for label, make in models.items():
        predicted, cpu = np.zeros(len(y)), []
        for train, test in KFold(5, shuffle=True, random_state=seed).split(X):
            tick = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ko.KanoptWarning)
                model = make().fit(X.iloc[train], y.iloc[train])
                predicted[test] = model.predict(X.iloc[test])
            cpu.append(time.process_time() - tick)
        residual = y - predicted
        rows.append(
            {
                "table": name,
                "rows": len(y),
                "model": label,
                "R²": 1 - float(residual @ residual) / float(((y - y.mean()) ** 2).sum()),
                "R² of log": float(np.corrcoef(np.log(y), np.log(predicted.clip(1e-6)))[0, 1] ** 2),
                "RMSE": float(np.sqrt(np.mean(residual**2))),
                "Σpredicted/Σactual": float(predicted.sum() / y.sum()),
                "CPU s per fit": float(np.median(cpu)),
            }
        )
        print(f"{name}: {label} done", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds tables/")
    parser.add_argument("--seed", type=int, default=0, help="seed of folds and models (default 0)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seed = arguments.seed
    rows = []
    X, freight = scms(arguments.data)
    rows += measure(
        "SCMS freight, USD",
        X,
        freight,
        {
            "KANRegressor": lambda: ko.KANRegressor(seed=seed, log_target=True),
            "linear regression": lambda: Smeared(linear(X, logs=True)),
            "HistGradientBoosting": lambda: Smeared(boosting(X, seed)),
        },
        seed,
    )
    X2, fare, minutes = taxi(arguments.data)
    for name, target in (("taxi fare, USD", fare), ("taxi minutes", minutes)):
        rows += measure(
            name,
            X2,
            target,
            {
                "KANRegressor": lambda: ko.KANRegressor(seed=seed),
                "linear regression": lambda: linear(X2, logs=False),
                "linear on logs": lambda: Smeared(linear(X2, logs=True)),
                "HistGradientBoosting": lambda: boosting(X2, seed),
            },
            seed,
        )
    table = pd.DataFrame(rows)
    print()
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.3f}"))
    packages = ", ".join(f"{name} {version(name)}" for name in ("kanopt", "torch", "scikit-learn", "numpy"))
    print(
        f"\n{date.today()}, {os.cpu_count()} cores of {platform.machine()}, "
        f"Python {platform.python_version()}, {packages}, one thread, seed {seed}"
    )


if __name__ == "__main__":
    main()

"""The forecaster for one series in plain numbers: what the vectors are tested against.

Nothing is kept in rings and no sum is carried on: the regression is solved anew from all that it was ever taught.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from detectors.forecast.adaptive_conformal import AdaptiveConformal
from detectors.forecast.clipped_scale import GAUSSIAN, ClippedScale
from detectors.forecast.recursive_least_squares import RecursiveLeastSquares
from detectors.forecast.seasonal_profile import SeasonalProfile
from detectors.forecast.short_term import CONSTANT, ShortTerm


class NaiveScale:
    def __init__(self, rule: ClippedScale) -> None:
        self.rule, self.value, self.count = rule, 0.0, 0

    def step(self, residual: float) -> float:
        limit = self.rule.clip * max(self.value, self.rule.floor) if self.count >= self.rule.warmup else math.inf
        clipped = min(max(residual, -limit), limit)
        self.value += max(self.rule.rate, 1 / (self.count + 1)) * (GAUSSIAN * abs(clipped) - self.value)
        self.count += 1
        return clipped


class NaiveProfile:
    def __init__(self, rule: SeasonalProfile, day_bins: int) -> None:
        self.rule, self.day_bins, self.scale, self.level = rule, day_bins, NaiveScale(rule.robust), 0.0
        self.week: dict[int, float] = {}
        self.seen: dict[int, int] = defaultdict(int)
        self.day: dict[int, float] = defaultdict(float)

    def step(self, value: float, place: int) -> float:
        is_known = not math.isnan(value) and place in self.week
        residual = value - self.week[place] if is_known else math.nan
        learned = self.scale.step(residual) if is_known else 0.0
        if is_known:
            self.week[place] += max(self.rule.week, 1 / (self.seen[place] + 1)) * learned
        elif not math.isnan(value):
            self.week[place] = value
        self.day[place % self.day_bins] += self.rule.day * (learned - self.day[place % self.day_bins])
        if not math.isnan(value):
            self.level += self.rule.level * (learned - self.level)
            self.seen[place] += 1
        return residual


class NaiveRegression:
    def __init__(self, rule: RecursiveLeastSquares) -> None:
        self.rule, self.scale = rule, NaiveScale(rule.robust)
        self.taught: list[tuple[list[float], float]] = []

    def predict(self, features: list[float]) -> float:
        p, last = len(features), len(self.taught) - 1
        gram = [[self.rule.ridge * (i == j) for j in range(p)] for i in range(p)]
        cross = [self.rule.ridge * prior for prior in self.rule.prior]
        for place, (inputs, target) in enumerate(self.taught):
            weight = self.rule.forgetting ** (last - place)
            for i in range(p):
                cross[i] += weight * inputs[i] * target
                for j in range(p):
                    gram[i][j] += weight * inputs[i] * inputs[j]
        return float(np.linalg.solve(gram, cross) @ features)

    def learn(self, features: list[float], target: float) -> None:
        if not math.isnan(target) and not any(map(math.isnan, features)):
            predicted = self.predict(features)
            self.taught.append((features, predicted + self.scale.step(target - predicted)))


class NaiveConformal:
    def __init__(self, rule: AdaptiveConformal) -> None:
        self.rule, self.below, self.above = rule, rule.start, rule.start

    def learn(self, error: float) -> None:
        if not math.isnan(error):
            miss = (1 - self.rule.coverage) / 2
            self.below += self.rule.rate * ((-error > self.below) - miss)
            self.above += self.rule.rate * ((error > self.above) - miss)


class NaiveShortTerm:
    def __init__(self, rule: ShortTerm) -> None:
        self.rule, self.time, self.recent = rule, 0, 0.0
        self.ahead = range(1, rule.horizons + 1)
        self.profile = NaiveProfile(rule.profile, rule.day_bins)
        self.regressions = {ahead: NaiveRegression(rule.regression) for ahead in self.ahead}
        self.conformals = {ahead: NaiveConformal(rule.conformal) for ahead in self.ahead}
        self.scales = {day: NaiveScale(rule.robust) for day in range(rule.day_bins)}
        self.present: dict[int, list[float]] = {}
        self.forecast: dict[tuple[int, int], float] = {}  # (step, how far ahead)

    def step(self, count: float, bins: list[int]) -> list[tuple[float, float, float]]:
        value, place, day = math.sqrt(count + 0.375), bins[0], bins[0] % self.rule.day_bins
        usual, lately = self.profile.week.get(place, math.nan), self.profile.day[day]
        due = self.forecast.get((self.time, 1), math.nan)
        for ahead in self.ahead:
            error = value - self.forecast.get((self.time, ahead), math.nan)
            self.conformals[ahead].learn(error / max(self.scales[day].value, self.rule.robust.floor))
            origin = self.present.get(self.time - ahead)
            if origin is not None:
                self.regressions[ahead].learn([*origin, lately, CONSTANT], value - usual)
        if not math.isnan(value - due):
            self.scales[day].step(value - due)
        residual = self.profile.step(value, place)
        now = next((one for one in (residual, due - usual) if not math.isnan(one)), 0.0)
        reach = self.rule.reach * max(self.profile.scale.value, self.rule.robust.floor)
        now = min(max(now, -reach), reach)
        present = [now, self.recent, self.profile.day[day], self.profile.level]
        if not math.isnan(residual):
            self.present[self.time] = present
        self.recent = now
        found = [self._forecast(present, ahead, bins[ahead]) for ahead in self.ahead]
        self.time += 1
        return found

    def _forecast(self, present: list[float], ahead: int, place: int) -> tuple[float, float, float]:
        day = place % self.rule.day_bins
        carried = self.regressions[ahead].predict([*present, self.profile.day[day], CONSTANT])
        root = self.profile.week.get(place, math.nan) + carried
        self.forecast[self.time + ahead, ahead] = root
        scale, conformal = max(self.scales[day].value, self.rule.robust.floor), self.conformals[ahead]
        reaches = (0.0, -scale * max(conformal.below, 0.0), scale * max(conformal.above, 0.0))
        median, low, high = (_count(root + reach) for reach in reaches)
        return median, low, high


def _count(root: float) -> float:
    return root if math.isnan(root) else max(max(root, 0.0) ** 2 - 0.375, 0.0)

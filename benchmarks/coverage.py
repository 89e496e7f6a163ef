"""How often the 95 % intervals of `edgefer compare` hold the true drop when people repeat.

    python benchmarks/coverage.py [--draws 2000]

Every person has rates of their own for the four things that can happen to a face (right both times,
turned wrong, turned right, wrong both times), drawn from a Dirichlet distribution around the mean.
Two faces of one person are then alike with the correlation shown; 0 means no effect of the person.
"""

import click
import numpy as np

from edgefer.report.drop import Drop

SETTINGS = [
    (people, each, turned, alike)
    for people, each in ((20, 50), (200, 5), (50, 20))
    for turned in ((0.05, 0.05), (0.012, 0.008))
    for alike in (0.0, 0.1, 0.33)
]


def draw(people, each, turned, alike, rng):
    """Targets, float and int8 answers of one draw, and whose face each is."""
    right = 0.6
    mean = np.array([right - turned[0], *turned, 1 - right - turned[1]])
    rates = np.tile(mean, (people, 1))
    if alike:
        rates = rng.dirichlet(mean * (1 / alike - 1), people)
    cells = np.array([rng.choice(4, each, p=rate / rate.sum()) for rate in rates]).ravel()
    targets = np.zeros(len(cells), int)
    before, after = np.isin(cells, (2, 3)), np.isin(cells, (1, 3))
    return targets, before.astype(int), after.astype(int), np.repeat(np.arange(people), each)


def coverage(people, each, turned, alike, draws, seed=0):
    """Share of draws whose interval holds the truth, by faces and by people; of p below .05."""
    rng = np.random.default_rng(seed)
    held, alarms = np.zeros(2), 0
    for _ in range(draws):
        *answers, whose = draw(people, each, turned, alike, rng)
        rows = [Drop.of("x", "", *answers, people=given) for given in (None, whose)]
        held += [row.low <= turned[0] - turned[1] <= row.high for row in rows]
        alarms += rows[1].raw_p < 0.05
    return *(held / draws).tolist(), alarms / draws


@click.command()
@click.option("--draws", default=2000, show_default=True)
def main(draws: int) -> None:
    """Print a line for each setting."""
    for people, each, turned, alike in SETTINGS:
        faces, by_person, alarms = coverage(people, each, turned, alike, draws)
        said = f"{alarms:.3f}" if turned[0] == turned[1] else ""
        print(
            f"{people:3} people x {each:2}  {turned[0]:.1%} and {turned[1]:.1%}  {alike:4.2f}  "
            f"{faces:.3f}  {by_person:.3f}  {said}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Metrics of methods on a data set, and methods compared on one image, each in one call."""

from __future__ import annotations

import base64
import contextlib
import html
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, NamedTuple, Optional

import numpy as np
import numpy.typing as npt

from ._arguments import ClassIndex
from ._errors import ArgumentError
from ._evaluation import Evaluation
from ._explainer import Explainer
from ._image import ImageLike, Pixels
from ._inputs import InputValue
from ._map import Map
from ._model import Model
from ._progress import Progress, reporting_to
from ._tables import OptionValue, check_keywords, document_options, metrics


class Sample(NamedTuple):
    """An image of a data set, with what is known of it."""

    image: ImageLike
    classes: Optional[Sequence[ClassIndex]] = None  #: None for the highest alone
    boxes: Any = None  #: [n, 4], left, top, right and bottom edges in pixels of the image
    box_classes: Optional[Sequence[int]] = None  #: positions in `classes`; None: the first's


class Results(list[dict[str, Any]]):
    """A row for each method and case: `image` (its position, or its file's name), `class_index`,
    `label`, `method`, and a column for each metric, None where it was not computed.

    pandas.DataFrame(results) and pandas.DataFrame(results.totals) are tables.
    """

    #: A row for each method and metric: `method`, `metric`, `unit`, `mean`, `lower`, `upper`,
    #: `defined`, `undefined`.
    totals: list[dict[str, Any]]


def evaluate(
    model: Model,
    dataset: Iterable[Any],
    methods: Sequence[str],
    layer: Optional[str] = None,
    progress: Optional[Progress] = None,
    *,
    inputs: Optional[Mapping[str, InputValue]] = None,
    **options: OptionValue,
) -> Results:
    """Evaluate methods on a data set.

    Args:
        model: the network.
        dataset: images, as Model.explain() takes them; pairs (image, class); tuples (image,
            classes, boxes, box_classes), Samples, or dicts with these keys.
        methods: names from methods().
        layer: as for Model.explain().
        progress: as for Model.explain(), for all of a data set that has a length, else for each
            image.
        inputs: as for Model.explain().
        **options: see below. `metrics` may be a sequence of names.

    Returns:
        rows of values, and totals with confidence intervals.

    >>> import sscam
    >>> with sscam.Model(model_path) as model:
    ...     found = evaluate(model, [image_path], ["grad-cam", "eigen-cam"])
    >>> [row["method"] for row in found]
    ['grad-cam', 'eigen-cam']
    >>> found.totals[0]["metric"]
    'average_drop'
    """
    if isinstance(methods, str) or not methods:
        raise TypeError("methods must be a sequence of at least one name")
    check_keywords("evaluate()", options)
    wanted = options.get("metrics")
    if wanted is not None and not isinstance(wanted, str):
        options["metrics"] = ",".join(map(str, wanted))  # type: ignore[arg-type]
    with contextlib.ExitStack() as kept:
        explainers = [
            kept.enter_context(Explainer(model, method, layer, inputs=inputs, **options))
            for method in methods
        ]
        evaluation = Evaluation(explainers)
        report = kept.enter_context(reporting_to(progress))
        images: list[Any] = []
        for position, sample, share in _samples(dataset):
            cases = evaluation.add(*sample, progress=_part(report, share))
            images += [_name_of(sample.image, position)] * len(cases)
        found = _results(model, evaluation, list(methods), images)
    return found


def _samples(
    dataset: Iterable[Any],
) -> Iterator[tuple[int, Sample, tuple[float, float]]]:
    """Each sample with its position and the share of the work that it is."""
    count = len(dataset) if isinstance(dataset, Sized) else None
    for position, given in enumerate(dataset):
        share = (position / count, (position + 1) / count) if count else (0.0, 1.0)
        yield position, _sample_of(given), share


def _sample_of(given: Any) -> Sample:
    if isinstance(given, Sample):
        return given
    if isinstance(given, Mapping):
        return Sample(**given)
    if not isinstance(given, tuple):
        return Sample(given)
    if not 1 <= len(given) <= 4:
        raise ArgumentError(f"a sample of {len(given)} parts, not (image, classes, boxes, ...)")
    sample = Sample(*given)
    classes = sample.classes
    if classes is None or (isinstance(classes, (list, np.ndarray)) and np.ndim(classes) == 1):
        return sample
    return sample._replace(classes=[_number(classes)])


def _number(index: Any) -> Any:
    """A class as data sets give it: 3, "dog", or a tensor of one number."""
    return index.item() if hasattr(index, "item") and np.ndim(index) == 0 else index


def _name_of(image: Any, position: int) -> Any:
    source = getattr(image, "source", image)
    return (
        position
        if isinstance(source, bytes)
        or (not hasattr(source, "__fspath__") and not (isinstance(source, str)))
        else str(source)
    )


def _part(report: Any, share: tuple[float, float]) -> Optional[Progress]:
    if report is None:
        return None
    first, last = share
    return lambda fraction: report(first + fraction * (last - first))


def _results(model: Model, evaluation: Evaluation, names: list[str], images: list[Any]) -> Results:
    computed = [
        metric
        for metric in metrics()
        if any(
            evaluation.value(method, case, metric.name) is not None
            for method in range(len(names))
            for case in range(len(images))
        )
    ]
    rows = Results()
    for case, image in enumerate(images):
        index = evaluation.class_index(case)
        label = model.labels.name(index) if model.labels else None
        for method, name in enumerate(names):
            values = {
                metric.name: evaluation.value(method, case, metric.name) for metric in computed
            }
            rows.append(
                {"image": image, "class_index": index, "label": label, "method": name, **values}
            )
    rows.totals = [
        {
            "method": name,
            "metric": metric.name,
            "unit": metric.unit,
            **evaluation.total(method, metric.name)._asdict(),
        }
        for method, name in enumerate(names)
        for metric in computed
    ]
    return rows


document_options(evaluate)


# --- comparison ---------------------------------------------------------------------------------


class Comparison(NamedTuple):
    """Maps of several methods, of one class on one image. Notebooks show it as a row of figures."""

    methods: tuple[str, ...]
    maps: tuple[Map, ...]  #: one a method
    correlations: npt.NDArray[np.float64]  #: [method, method], of the maps; NaN for flat ones

    def overlays(self, **drawing: Any) -> list[Pixels]:
        """The overlay of each map; arguments are those of Map.overlay()."""
        return [found.overlay(**drawing) for found in self.maps]

    def plot(self, figure: Any = None, **drawing: Any) -> Any:
        """Draw all maps with matplotlib, side by side; arguments are those of Map.plot().

        Returns:
            matplotlib's Figure.
        """
        if figure is None:
            from matplotlib import pyplot

            figure = pyplot.figure(figsize=(3.2 * len(self.maps), 3.6))
        for position, found in enumerate(self.maps):
            found.plot(figure.add_subplot(1, len(self.maps), position + 1), **drawing)
        return figure

    def _repr_html_(self) -> str:
        cells = []
        for method, found in zip(self.methods, self.maps):
            png = found._repr_png_()
            content = "" if png is None else base64.b64encode(png).decode()
            cells.append(
                f'<td style="text-align:center"><img style="max-width:224px" alt="" '
                f'src="data:image/png;base64,{content}"><br>{html.escape(method)}</td>'
            )
        return f"<table><tr>{''.join(cells)}</tr></table>"


def compare(
    model: Model,
    image: Any,
    methods: Sequence[str],
    class_index: ClassIndex = None,
    layer: Optional[str] = None,
    progress: Optional[Progress] = None,
    *,
    inputs: Optional[Mapping[str, InputValue]] = None,
    **options: OptionValue,
) -> Comparison:
    """Explain one class on one image by several methods, to see where they agree.

    Args:
        model: the network.
        image: as for Model.explain(); one input where it is no image.
        methods: names from methods().
        class_index, layer, progress, inputs, **options: as for Model.explain().

    >>> import sscam
    >>> with sscam.Model(model_path) as model:
    ...     found = compare(model, image_path, ["grad-cam", "eigen-cam"])
    >>> found.correlations.shape
    (2, 2)
    """
    rows = model.explain_all(
        image, methods, [class_index], layer, progress, None, inputs=inputs, **options
    )
    if len(rows) != len(methods) or not isinstance(rows[0][0], Map):
        raise ArgumentError("compare() takes one input, not several")
    maps = tuple(row[0] for row in rows)
    found = np.array([[own.correlation(other) for other in maps] for own in maps], np.float64)
    return Comparison(tuple(methods), maps, found)

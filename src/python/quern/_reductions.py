"""Reductions by the names of xarray, of what can run a kernel over dimensions."""

from __future__ import annotations

from typing import Any, Iterable, Union

# Any: `...`, all dimensions, whose type has no name before Python 3.10.
Dims = Union[str, Iterable[str], None, Any]


class Reductions:
    """Reductions by the names of xarray. Without `dim` they are over all dimensions."""

    def reduce(self, kernel: str, dim: Dims = None, **options: Any) -> Any:
        """Runs a kernel over dimensions.

        Parameters
        ----------
        kernel : str
            One of `quern.kernels()`, or several with commas between them.
        dim : str or iterable of str, optional
            What is reduced; the other dimensions stay. None: all dimensions; of groups those of the
            keys, of windows none. `...`: all, always.
        **options
            Of `quern.run`.
        """
        raise NotImplementedError

    def mean(self, dim: Dims = None, **options: Any) -> Any:
        """Arithmetic mean, or weighted."""
        return self.reduce("mean", dim, **options)

    def sum(self, dim: Dims = None, **options: Any) -> Any:
        """Sum, correctly rounded; of nothing it is 0."""
        return self.reduce("sum", dim, fields="sum", **options)

    def std(self, dim: Dims = None, **options: Any) -> Any:
        """Standard deviation, over n - 1: xarray's with ddof=1."""
        return self.reduce("std", dim, **options)

    def var(self, dim: Dims = None, **options: Any) -> Any:
        """Variance, over n - 1: xarray's with ddof=1."""
        return self.reduce("var", dim, **options)

    def min(self, dim: Dims = None, **options: Any) -> Any:
        """Smallest value."""
        return self.reduce("min", dim, **options)

    def max(self, dim: Dims = None, **options: Any) -> Any:
        """Largest value."""
        return self.reduce("max", dim, **options)

    def median(self, dim: Dims = None, **options: Any) -> Any:
        """Median, exact."""
        return self.reduce("median", dim, **options)

    def rms(self, dim: Dims = None, **options: Any) -> Any:
        """Root of the mean square."""
        return self.reduce("rms", dim, **options)

    def count(self, dim: Dims = None, **options: Any) -> Any:
        """Number of elements that have a value."""
        return self.reduce("count", dim, fields="count", **options)

    def argmin(self, dim: Dims = None, **options: Any) -> Any:
        """Where the smallest value is: indexes, and coordinates beside them."""
        return self.reduce("minmax", dim, fields="argmin", **options)

    def argmax(self, dim: Dims = None, **options: Any) -> Any:
        """Where the largest value is."""
        return self.reduce("minmax", dim, fields="argmax", **options)

    def moments(self, dim: Dims = None, order: int = 2, **options: Any) -> Any:
        """Count, mean, variance, extremes; with order 4 skewness and kurtosis too."""
        return self.reduce("moments", dim, order=order, **options)

    def quantile(self, q: Any, dim: Dims = None, **options: Any) -> Any:
        """Quantiles, exact, interpolated as numpy's default: the field `values`, along `q`, also of one."""
        return self.reduce("quantiles", dim, q=q, **{"fields": "q,values", **options})

    def histogram(self, dim: Dims = None, **options: Any) -> Any:
        """Counts in bins: options bins, range, edges, log, density."""
        return self.reduce("histogram", dim, **options)

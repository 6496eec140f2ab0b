"""An error as data: kept beside results, sent between processes, and raised again as itself."""

from __future__ import annotations

from dataclasses import dataclass

from integstat import errors
from integstat.errors import IntegstatError


@dataclass(frozen=True)
class Failure:
    """What an `IntegstatError` says.

    Attributes
    ----------
    kind : str
        Name of its class in `integstat.errors`; of a class made elsewhere, the name of the one there that it is made from.
    what, place, mend : str
    """

    kind: str
    what: str
    place: str
    mend: str

    @classmethod
    def of(cls, error: IntegstatError) -> Failure:
        """Take down an error."""
        kind = next(one.__name__ for one in type(error).__mro__ if one.__module__ == errors.__name__)
        return cls(kind, error.what, error.place, error.mend)

    def error(self) -> IntegstatError:
        """Make the error again.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        kind = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, IntegstatError)):
            raise ValueError(f"no error is called {self.kind}")
        return kind(self.what, place=self.place, mend=self.mend)

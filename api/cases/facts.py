"""What the indicators ask of a case: when it took each step, when it was due, what was conceded to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case, as its log tells it. Instants have a zone; None where the step was not taken.

    Attributes
    ----------
    case_id : int
    community_id : int or None
        None where it lies in none.
    kind, mode, category : str
        What it is about; `mode` is the way it was handled.
    department, property_company : str
        Who had to handle it; "" where nobody had.
    reported_at, accepted_at, filed_at, dispatched_at, responded_at : datetime or None
    handled_at : datetime or None
        When the handler's department last passed it back as done, so its own approval counts.
    closed_at, cancelled_at : datetime or None
    due_at : datetime or None
        End of handling as it stands, pauses and extensions included. None: no deadline, or none yet.
    close_due_at : datetime or None
        End of closing likewise; the checker's time, never the handler's.
    original_due_at : datetime or None
        End of handling as it would be had nothing been conceded.
    extensions, parkings, reworks : int
        Granted extensions and parkings; times it was sent back after it was said to be done.
    parked : bool
        Whether it is parked (挂账) now.
    exempt : bool
        Whether an appeal against "late" was allowed.
    urgent : bool
    """

    case_id: int
    community_id: int | None = None
    kind: str = ""
    mode: str = ""
    category: str = ""
    department: str = ""
    property_company: str = ""
    reported_at: datetime | None = None
    accepted_at: datetime | None = None
    filed_at: datetime | None = None
    dispatched_at: datetime | None = None
    responded_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    due_at: datetime | None = None
    close_due_at: datetime | None = None
    original_due_at: datetime | None = None
    extensions: int = 0
    parkings: int = 0
    reworks: int = 0
    parked: bool = False
    exempt: bool = False
    urgent: bool = False

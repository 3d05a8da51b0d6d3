"""A store of its own for one benchmark, with PostGIS on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.cluster import Cluster
from api.database import Store


@dataclass(frozen=True)
class FreshStore:
    """A migrated store, its folder for data, and the process id of its PostgreSQL."""

    store: Store
    folder: Path
    postmaster: int


@contextmanager
def fresh_store() -> Iterator[FreshStore]:
    """Make a cluster with a migrated store; both are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="weige-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the cluster belongs to another user
        with Cluster(folder).held() as cluster:
            store = Store(cluster.url)
            store.migrate()
            postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
            yield FreshStore(store, folder, postmaster)
            store.close()

"""Many rows into a table at once: binary COPY, by way of a temporary table where rights hold row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection, sql

# Well-known binaries go over the wire as they are; the table's column says what they become.
GEOMETRY = "bytea"


def copy_rows(
    connection: Connection[Any], table: str, types: Mapping[str, str], rows: Iterable[Sequence[Any]]
) -> int:
    """Put rows into a table and return how many there are.

    Parameters
    ----------
    connection : Connection
        In the transaction of the load.
    table : str
        A table of the store.
    types : mapping of column to type
        Type of each value of a row, in its order; geometries are EWKB under `GEOMETRY`.
    rows : iterable of sequences
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, types))
    target = sql.Identifier(table)
    # PostgreSQL refuses COPY into a table whose rows are guarded one by one.
    guarded = bool(connection.execute("SELECT row_security_active(%s)", [table]).fetchone()[0])  # type: ignore[index]
    if guarded:
        target = sql.Identifier(f"arriving_{table}")
        connection.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WHERE false").format(
                target, columns, sql.Identifier(table)
            )
        )
    count = 0
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(target, columns)
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(list(types.values()))
        for row in rows:
            copy.write_row(row)
            count += 1
    if guarded:
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                sql.Identifier(table), columns, columns, target
            )
        )
        connection.execute(sql.SQL("DROP TABLE {}").format(target))
    return count

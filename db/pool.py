"""Connections: a pool for a process, or one of its own for work that holds a lock."""

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from dcm.domain.errors import Unavailable

Conn = Connection[TupleRow]
Pool = ConnectionPool[Conn]


def open_pool(database_url: str, *, most: int, name: str, timeout: float = 5.0) -> Pool:
    """A pool of autocommit connections, opened when they are asked for and replaced when they died.

    `timeout`: seconds a caller waits for a connection before it gets PoolTimeout.
    """
    return ConnectionPool(
        database_url,
        kwargs={"autocommit": True, "connect_timeout": 5, "application_name": f"dcm {name}"},
        min_size=0,
        max_size=most,
        max_idle=60.0,
        timeout=timeout,
        name=name,
        check=ConnectionPool.check_connection,
        open=True,
    )


def connect(database_url: str, name: str) -> Conn:
    """One connection with autocommit, outside any pool.

    Raises:
        Unavailable: Postgres does not answer.
    """
    try:
        return psycopg.connect(database_url, autocommit=True, connect_timeout=5, application_name=f"dcm {name}")
    except psycopg.OperationalError as error:
        raise Unavailable(f"Postgres does not answer: {error}") from error

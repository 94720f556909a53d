"""The tables of the run store, and the steps from every earlier version of them to this one."""

import sqlite3

# Each entry brings a file from the version before it; a new file takes all of them. Entries never change
# once they are released: what comes later is a new entry.
MIGRATIONS = (
    """
    CREATE TABLE IF NOT EXISTS runs (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        record TEXT NOT NULL,
        steps INTEGER NOT NULL,
        created_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL,
        pid INTEGER,
        stop_requested INTEGER NOT NULL DEFAULT 0,
        bundle TEXT,
        error TEXT
    );
    CREATE UNIQUE INDEX IF NOT EXISTS one_running ON runs (status) WHERE status = 'running';
    CREATE TABLE IF NOT EXISTS steps (
        run TEXT NOT NULL, step INTEGER NOT NULL, epoch INTEGER NOT NULL,
        loss REAL, accuracy REAL, learning_rate REAL, grad_norm REAL,
        sentences INTEGER, seconds REAL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS evaluations (
        run TEXT NOT NULL, step INTEGER NOT NULL, epoch INTEGER NOT NULL,
        loss REAL, accuracy REAL, macro_f1 REAL, confusion TEXT,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE samples (
        run TEXT NOT NULL, seconds REAL NOT NULL, sentences_per_second REAL,
        cpu REAL, own_cpu REAL, memory REAL, own_memory REAL,
        gpu REAL, gpu_memory REAL, gpu_temperature REAL, gpu_power REAL,
        PRIMARY KEY (run, seconds)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE runs ADD COLUMN device TEXT;
    ALTER TABLE runs ADD COLUMN spent REAL NOT NULL DEFAULT 0;
    DROP INDEX IF EXISTS one_running;
    CREATE UNIQUE INDEX one_a_device ON runs (device) WHERE status = 'running';
    """,
    """
    CREATE TABLE sparklines (
        run TEXT NOT NULL PRIMARY KEY, step INTEGER NOT NULL, losses TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Apply what a file lacks; of several processes that open an old file at once, one does."""
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[_version(connection) :]:
            for statement in migration.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version

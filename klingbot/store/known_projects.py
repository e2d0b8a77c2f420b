"""Projects of channels, and all known projects: open to members, closed, or not decided about."""

from __future__ import annotations

from klingbot.domain.jobs import DEFAULT_PROJECT
from klingbot.domain.project_access import ProjectState
from klingbot.store.backend.database import Database, Transaction


def open_sql(project: str) -> str:
    """Return SQL for 1 or 0: whether the project that this SQL expression names may be spent for.

    What an admin has decided counts. Before any decision the default project is open, and so is one with a budget,
    rules or a channel: a bot of the version before sets those up without opening the project.
    """
    return f"""
      CASE (SELECT is_open FROM project_states WHERE project_states.project = {project})
        WHEN 1 THEN 1 WHEN 0 THEN 0
        ELSE CASE WHEN {project} = '{DEFAULT_PROJECT}'
            OR EXISTS (SELECT 1 FROM budgets WHERE budgets.scope = 'project:' || {project})
            OR EXISTS (SELECT 1 FROM rules WHERE rules.project = {project})
            OR EXISTS (SELECT 1 FROM projects WHERE projects.project = {project})
          THEN 1 ELSE 0 END
      END"""


_STATE = f"""
    SELECT {open_sql(":project")} AS is_open,
      (SELECT is_open FROM project_states WHERE project = :project) AS decided,
      EXISTS (SELECT 1 FROM project_states WHERE project = :project) AS is_registered"""
_SET_UP = """
    SELECT project AS name FROM projects UNION SELECT project AS name FROM rules UNION
    SELECT substr(scope, 9) AS name FROM budgets WHERE substr(scope, 1, 8) = 'project:'"""


def of_channel(db: Database, channel_id: str) -> str:
    row = db.execute("SELECT project FROM projects WHERE channel_id = :id", {"id": channel_id}).fetchone()
    return str(row["project"]) if row else DEFAULT_PROJECT


def put(tx: Transaction, channel_id: str, project: str) -> None:
    tx.execute(
        """
        INSERT INTO projects (channel_id, project) VALUES (:id, :project)
        ON CONFLICT (channel_id) DO UPDATE SET project = excluded.project""",
        {"id": channel_id, "project": project},
    )


def register(tx: Transaction, project: str) -> None:
    """Open a project that nobody has decided about yet, because it was given a budget, rules or a channel."""
    tx.execute(
        """
        INSERT INTO project_states (project, is_open) VALUES (:project, 1)
        ON CONFLICT (project) DO UPDATE SET is_open = 1 WHERE project_states.is_open IS NULL""",
        {"project": project},
    )


def decide(tx: Transaction, project: str, *, is_open: bool) -> None:
    """Open or close a project."""
    tx.execute(
        """
        INSERT INTO project_states (project, is_open) VALUES (:project, :is_open)
        ON CONFLICT (project) DO UPDATE SET is_open = excluded.is_open""",
        {"project": project, "is_open": int(is_open)},
    )


def state(db: Database, project: str) -> ProjectState:
    row = db.execute(_STATE, {"project": project}).fetchone()
    if row["is_open"]:
        return ProjectState.OPEN
    if row["decided"] is not None:
        return ProjectState.CLOSED
    return ProjectState.UNDECIDED if row["is_registered"] else ProjectState.UNKNOWN


def known(db: Database) -> list[str]:
    """Return the projects that were set up or decided about, by name."""
    decided = "SELECT project AS name FROM project_states WHERE is_open IS NOT NULL"
    rows = db.execute(f"{_SET_UP} UNION {decided} ORDER BY name").fetchall()
    return [row["name"] for row in rows]


def opened(db: Database) -> list[str]:
    """Return the projects that may be spent for, by name."""
    rows = db.execute(
        f"""
        SELECT name FROM (
            {_SET_UP} UNION SELECT '{DEFAULT_PROJECT}' AS name
            UNION SELECT project AS name FROM project_states WHERE is_open = 1
          ) AS named
        WHERE name NOT IN (SELECT project FROM project_states WHERE is_open = 0) ORDER BY name"""
    ).fetchall()
    return [row["name"] for row in rows]


def closed(db: Database) -> list[str]:
    """Return the projects that an admin has closed, by name."""
    rows = db.execute("SELECT project FROM project_states WHERE is_open = 0 ORDER BY project").fetchall()
    return [row["project"] for row in rows]


def undecided(db: Database) -> list[str]:
    """Return the projects of before that no admin has decided about, by name."""
    rows = db.execute(
        f"""
        SELECT project FROM project_states
        WHERE is_open IS NULL AND project NOT IN ({_SET_UP}) ORDER BY project"""
    ).fetchall()
    return [row["project"] for row in rows]

"""Every step of the schema, oldest first. To change the schema, append a function; never edit one that has shipped.

Amounts are integers: `*_millicredits` (1/1,000 credit) and `*_microusd` (1/1,000,000 dollar). Times are UTC epoch
milliseconds. Flags are 0 or 1. Tables are STRICT, so a float or a text never slips into a column of money.
"""

from __future__ import annotations

from klingbot.common.sqlite_utils_loader import Database, Migrations

migrations = Migrations("klingbot")


@migrations()
def m001_ledger(db: Database) -> None:
    """Jobs, the entries that tell what happened to their money, and the running totals of those entries."""
    db.execute("""
        CREATE TABLE jobs (
          id TEXT PRIMARY KEY,
          state TEXT NOT NULL CHECK (state IN ('held', 'submitting', 'submitted', 'succeeded', 'failed', 'released')),
          user_id TEXT NOT NULL,
          project TEXT NOT NULL,
          channel_id TEXT NOT NULL,
          response_url TEXT,
          prompt TEXT NOT NULL,
          negative TEXT,
          image_url TEXT,
          model TEXT NOT NULL,
          duration_seconds INTEGER NOT NULL,
          resolution TEXT NOT NULL,
          audio INTEGER NOT NULL,
          aspect TEXT NOT NULL,
          legacy_name TEXT,
          new_name TEXT,
          omni INTEGER NOT NULL,
          price_list TEXT NOT NULL,
          kling_units INTEGER NOT NULL,
          microusd_per_credit INTEGER NOT NULL,
          quote_millicredits INTEGER NOT NULL CHECK (quote_millicredits > 0),
          quote_microusd INTEGER NOT NULL CHECK (quote_microusd > 0),
          asked_at INTEGER NOT NULL,
          day_start INTEGER NOT NULL,
          week_start INTEGER NOT NULL,
          month_start INTEGER NOT NULL,
          due_at INTEGER NOT NULL,
          lease_until INTEGER NOT NULL DEFAULT 0,
          tries INTEGER NOT NULL DEFAULT 0,
          route TEXT,
          posted_at INTEGER,
          task_id TEXT,
          submitted_at INTEGER,
          finished_at INTEGER,
          settled_millicredits INTEGER,
          settled_microusd INTEGER,
          video_url TEXT,
          reason TEXT
        ) STRICT""")
    # The queue: only live jobs, so its size does not grow with history.
    db.execute("CREATE INDEX jobs_live ON jobs (state, due_at) WHERE state IN ('held', 'submitting', 'submitted')")
    db.execute("""
        CREATE TABLE entries (
          id INTEGER PRIMARY KEY,
          job_id TEXT NOT NULL REFERENCES jobs (id),
          kind TEXT NOT NULL CHECK (kind IN ('hold', 'settle', 'release', 'correction')),
          held_millicredits INTEGER NOT NULL,
          held_microusd INTEGER NOT NULL,
          settled_millicredits INTEGER NOT NULL,
          settled_microusd INTEGER NOT NULL,
          author TEXT NOT NULL,
          reason TEXT,
          at INTEGER NOT NULL
        ) STRICT""")
    # A job is held once, and its hold ends once.
    db.execute("CREATE UNIQUE INDEX entries_held_once ON entries (job_id) WHERE kind = 'hold'")
    db.execute("CREATE UNIQUE INDEX entries_ended_once ON entries (job_id) WHERE kind IN ('settle', 'release')")
    for change in ("UPDATE", "DELETE"):
        db.execute(f"""
            CREATE TRIGGER entries_no_{change.lower()} BEFORE {change} ON entries
            BEGIN SELECT RAISE(ABORT, 'entries are never edited: add a correction'); END""")
    db.execute("""
        CREATE TABLE totals (
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          period_start INTEGER NOT NULL,
          held_millicredits INTEGER NOT NULL CHECK (held_millicredits >= 0),
          held_microusd INTEGER NOT NULL CHECK (held_microusd >= 0),
          settled_millicredits INTEGER NOT NULL CHECK (settled_millicredits >= 0),
          settled_microusd INTEGER NOT NULL CHECK (settled_microusd >= 0),
          PRIMARY KEY (scope, period_kind, period_start)
        ) STRICT, WITHOUT ROWID""")
    db.execute("""
        CREATE TABLE daily_spend (
          day_start INTEGER NOT NULL,
          user_id TEXT NOT NULL,
          project TEXT NOT NULL,
          model TEXT NOT NULL,
          jobs INTEGER NOT NULL,
          failed INTEGER NOT NULL,
          held_millicredits INTEGER NOT NULL,
          held_microusd INTEGER NOT NULL,
          settled_millicredits INTEGER NOT NULL,
          settled_microusd INTEGER NOT NULL,
          PRIMARY KEY (day_start, user_id, project, model)
        ) STRICT, WITHOUT ROWID""")


@migrations()
def m002_budgets(db: Database) -> None:
    """Budgets, what they have already announced, and which project a channel spends for."""
    db.execute("""
        CREATE TABLE budgets (
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          limit_millicredits INTEGER CHECK (limit_millicredits > 0),
          limit_microusd INTEGER CHECK (limit_microusd > 0),
          thresholds TEXT NOT NULL,
          channel_id TEXT,
          set_by TEXT NOT NULL,
          set_at INTEGER NOT NULL,
          PRIMARY KEY (scope, period_kind),
          CHECK (limit_millicredits IS NOT NULL OR limit_microusd IS NOT NULL)
        ) STRICT""")
    # One row per announcement; `standing` = 0 arms it again. `times` makes the next one's key new.
    db.execute("""
        CREATE TABLE crossings (
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL,
          period_start INTEGER NOT NULL,
          mark TEXT NOT NULL,
          standing INTEGER NOT NULL,
          times INTEGER NOT NULL,
          PRIMARY KEY (scope, period_kind, period_start, mark)
        ) STRICT""")
    db.execute("CREATE TABLE projects (channel_id TEXT PRIMARY KEY, project TEXT NOT NULL) STRICT")


@migrations()
def m003_outbox(db: Database) -> None:
    """What must be said in Slack, the gates that keep jobs from Kling, and facts about the database itself."""
    db.execute("""
        CREATE TABLE outbox (
          id INTEGER PRIMARY KEY,
          key TEXT NOT NULL UNIQUE,
          kind TEXT NOT NULL,
          line TEXT NOT NULL,
          channel_id TEXT,
          user_id TEXT,
          response_url TEXT,
          content TEXT NOT NULL,
          state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
          tries INTEGER NOT NULL DEFAULT 0,
          due_at INTEGER NOT NULL,
          lease_until INTEGER NOT NULL DEFAULT 0,
          created_at INTEGER NOT NULL,
          sent_at INTEGER,
          sent_to TEXT,
          sent_ts TEXT,
          problem TEXT,
          detour TEXT
        ) STRICT""")
    db.execute("CREATE INDEX outbox_waiting ON outbox (due_at) WHERE state = 'waiting'")
    db.execute("CREATE INDEX outbox_lines ON outbox (line, id) WHERE state = 'waiting'")
    db.execute("""
        CREATE TABLE gates (
          name TEXT PRIMARY KEY,
          opens_at INTEGER,
          code INTEGER NOT NULL,
          reason TEXT NOT NULL,
          tries INTEGER NOT NULL,
          closed_at INTEGER NOT NULL
        ) STRICT""")
    db.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")


@migrations()
def m004_delivery(db: Database) -> None:
    """Replies and edits, the pace of each line, and the hours in which a channel is left in peace."""
    for column in (
        "thread_key TEXT",
        "replaces_key TEXT",
        "carried_by INTEGER REFERENCES outbox (id)",
        "parts INTEGER NOT NULL DEFAULT 1",
    ):
        db.execute(f"ALTER TABLE outbox ADD COLUMN {column}")
    # What was given up is counted and shown; what was sent is history.
    db.execute("CREATE INDEX outbox_failed ON outbox (id) WHERE state = 'failed'")
    db.execute("CREATE TABLE lines (line TEXT PRIMARY KEY, rests_until INTEGER NOT NULL) STRICT")
    db.execute("""
        CREATE TABLE quiet_hours (
          channel_id TEXT PRIMARY KEY,
          begin_minute INTEGER NOT NULL CHECK (begin_minute BETWEEN 0 AND 1439),
          end_minute INTEGER NOT NULL CHECK (end_minute BETWEEN 0 AND 1439),
          over_passes INTEGER NOT NULL CHECK (over_passes IN (0, 1)),
          set_by TEXT NOT NULL,
          set_at INTEGER NOT NULL,
          CHECK (begin_minute <> end_minute)
        ) STRICT""")


@migrations()
def m005_alert_rules(db: Database) -> None:
    """Which alerts a budget wants, the story of each budget and period, and replies that a channel should see."""
    for rule in ("forecast", "spike"):
        db.execute(f"ALTER TABLE budgets ADD COLUMN {rule} INTEGER NOT NULL DEFAULT 1 CHECK ({rule} IN (0, 1))")
    db.execute("ALTER TABLE outbox ADD COLUMN broadcast INTEGER NOT NULL DEFAULT 0 CHECK (broadcast IN (0, 1))")
    # One message per budget, period and channel; '' is the default alerts channel. `content` is what it says.
    db.execute("""
        CREATE TABLE stories (
          period_kind TEXT NOT NULL,
          period_start INTEGER NOT NULL,
          scope TEXT NOT NULL,
          channel_id TEXT NOT NULL,
          root TEXT NOT NULL,
          rewrites INTEGER NOT NULL,
          content TEXT NOT NULL,
          PRIMARY KEY (period_kind, period_start, scope, channel_id)
        ) STRICT""")


@migrations()
def m006_digests(db: Database) -> None:
    """Which digests are wanted, what was refused, and the way to the dearest jobs of a day."""
    # `since` and `told` are the first days (ISO) of the first period to tell about and of the last one told about:
    # dates, so that they mean the same in another time zone. `channel_id` is '' for the default place, because NULLs
    # make no unique key.
    db.execute("""
        CREATE TABLE digests (
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          channel_id TEXT NOT NULL,
          minute INTEGER NOT NULL CHECK (minute BETWEEN 0 AND 1439),
          since TEXT NOT NULL,
          told TEXT NOT NULL,
          lease_until INTEGER NOT NULL DEFAULT 0,
          set_by TEXT NOT NULL,
          set_at INTEGER NOT NULL,
          PRIMARY KEY (scope, period_kind, channel_id)
        ) STRICT""")
    db.execute("""
        CREATE TABLE refusals (
          day_start INTEGER NOT NULL,
          user_id TEXT NOT NULL,
          project TEXT NOT NULL,
          jobs INTEGER NOT NULL,
          millicredits INTEGER NOT NULL,
          microusd INTEGER NOT NULL,
          PRIMARY KEY (day_start, user_id, project)
        ) STRICT, WITHOUT ROWID""")
    # Only videos that were paid for, so neither a hold nor the queue ever touches these.
    for name, columns in {
        "workspace": "day_start, settled_microusd",
        "project": "project, day_start, settled_microusd",
        "user": "user_id, day_start, settled_microusd",
    }.items():
        db.execute(f"CREATE INDEX jobs_dearest_of_{name} ON jobs ({columns}) WHERE state = 'succeeded'")


@migrations()
def m007_verdicts(db: Database) -> None:
    """Jobs without a verdict and what admins decide about them; what Kling's own billing says beside the ledger."""
    db.execute("ALTER TABLE jobs ADD COLUMN written_off_at INTEGER")
    # `waiting_until`: an admin chose to wait that long; NULL: the admins were asked and nobody has answered.
    db.execute("""
        CREATE TABLE stuck (
          job_id TEXT PRIMARY KEY REFERENCES jobs (id),
          times INTEGER NOT NULL,
          waiting_until INTEGER
        ) STRICT""")
    ended = "state IN ('succeeded', 'failed', 'released')"
    db.execute(f"CREATE INDEX jobs_ended ON jobs (asked_at) WHERE {ended}")
    db.execute(f"CREATE INDEX jobs_ended_of_user ON jobs (user_id, asked_at) WHERE {ended}")
    db.execute("CREATE INDEX jobs_of_task ON jobs (task_id) WHERE task_id IS NOT NULL")
    # Never edited: what was found stays as it was found. The key names the task or the job, so it is found once.
    db.execute("""
        CREATE TABLE findings (
          key TEXT PRIMARY KEY,
          kind TEXT NOT NULL,
          job_id TEXT,
          task_id TEXT,
          model TEXT NOT NULL,
          api_key_name TEXT NOT NULL,
          billed_millicredits INTEGER,
          booked_millicredits INTEGER,
          charged_at INTEGER NOT NULL,
          found_at INTEGER NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX findings_by_time ON findings (found_at)")
    db.execute("""
        CREATE TABLE packs (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL,
          total_millicredits INTEGER NOT NULL,
          left_millicredits INTEGER NOT NULL,
          ends_at INTEGER NOT NULL,
          read_at INTEGER NOT NULL
        ) STRICT""")


@migrations()
def m008_care(db: Database) -> None:
    """What runs once a night, what it has found wrong, and which ended jobs still have their prompts."""
    db.execute("""
        CREATE TABLE rounds (
          name TEXT PRIMARY KEY,
          due_at INTEGER NOT NULL,
          lease_until INTEGER NOT NULL DEFAULT 0
        ) STRICT""")
    # One row per finding that stands; deleting the row lets it be told again.
    db.execute("CREATE TABLE unsound (what TEXT PRIMARY KEY, said TEXT NOT NULL, found_at INTEGER NOT NULL) STRICT")
    db.execute("CREATE INDEX jobs_remembered ON jobs (finished_at) WHERE finished_at IS NOT NULL AND prompt <> ''")


@migrations()
def m009_increases(db: Database) -> None:
    """Asking for more than a budget has left, who may grant it, and what was granted."""
    db.execute("ALTER TABLE budgets ADD COLUMN approvers TEXT NOT NULL DEFAULT ''")
    db.execute("""
        CREATE TABLE refused_requests (
          id TEXT PRIMARY KEY,
          user_id TEXT NOT NULL,
          request TEXT NOT NULL,
          refused_at INTEGER NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX refused_requests_age ON refused_requests (refused_at)")
    db.execute("""
        CREATE TABLE increases (
          id TEXT PRIMARY KEY,
          user_id TEXT NOT NULL,
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          millicredits INTEGER NOT NULL CHECK (millicredits >= 0),
          microusd INTEGER NOT NULL CHECK (microusd >= 0),
          reason TEXT NOT NULL,
          until_day TEXT,
          request TEXT,
          state TEXT NOT NULL CHECK (state IN ('pending', 'granted', 'denied', 'withdrawn', 'expired')),
          asked_at INTEGER NOT NULL,
          expires_at INTEGER NOT NULL,
          decided_at INTEGER,
          decided_by TEXT,
          remark TEXT
        ) STRICT""")
    db.execute("CREATE INDEX increases_pending ON increases (expires_at) WHERE state = 'pending'")
    # Days are local dates in ISO form: a grant keeps its days when the bot's time zone changes.
    db.execute("""
        CREATE TABLE grants (
          increase_id TEXT PRIMARY KEY REFERENCES increases (id),
          user_id TEXT NOT NULL,
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          millicredits INTEGER NOT NULL CHECK (millicredits >= 0),
          microusd INTEGER NOT NULL CHECK (microusd >= 0),
          first_day TEXT NOT NULL,
          end_day TEXT NOT NULL CHECK (end_day > first_day),
          granted_by TEXT NOT NULL,
          granted_at INTEGER NOT NULL,
          end_said INTEGER NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX grants_in_force ON grants (scope, period_kind, end_day)")
    db.execute("CREATE INDEX grants_running ON grants (period_kind, end_day) WHERE end_said = 0")


@migrations()
def m010_rules(db: Database) -> None:
    """What a project allows, who agreed to a request so far, and who changed the rules of money."""
    db.execute("""
        CREATE TABLE rules (
          project TEXT PRIMARY KEY,
          models TEXT NOT NULL,
          ceiling_millicredits INTEGER CHECK (ceiling_millicredits > 0),
          confirm_millicredits INTEGER CHECK (confirm_millicredits > 0),
          approve_millicredits INTEGER CHECK (approve_millicredits > 0)
        ) STRICT""")
    db.execute("ALTER TABLE refused_requests ADD COLUMN consent TEXT NOT NULL DEFAULT 'none'")
    # 0: it asks for a video to be allowed, and raises no limit.
    db.execute("ALTER TABLE increases ADD COLUMN raises INTEGER NOT NULL DEFAULT 1")
    db.execute("""
        CREATE TABLE audit (
          id INTEGER PRIMARY KEY,
          changed_at INTEGER NOT NULL,
          changed_by TEXT NOT NULL,
          what TEXT NOT NULL,
          subject TEXT NOT NULL,
          was TEXT NOT NULL,
          became TEXT NOT NULL,
          why TEXT NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX audit_of ON audit (subject, id)")


@migrations()
def m011_threads(db: Database) -> None:
    """Videos that were asked for in a thread, and messages that belong into one."""
    db.execute("ALTER TABLE jobs ADD COLUMN thread_ts TEXT")
    db.execute("ALTER TABLE outbox ADD COLUMN thread_ts TEXT")


@migrations()
def m012_job_messages(db: Database) -> None:
    """The one message about each job and when to see whether it still tells the truth; clips on their way to Slack."""
    db.execute("ALTER TABLE jobs ADD COLUMN show_at INTEGER")
    db.execute("CREATE INDEX jobs_to_show ON jobs (show_at) WHERE show_at IS NOT NULL")
    db.execute("""
        CREATE TABLE job_messages (
          job_id TEXT PRIMARY KEY REFERENCES jobs (id),
          says TEXT NOT NULL,
          times INTEGER NOT NULL,
          said_at INTEGER NOT NULL,
          clip TEXT
        ) STRICT""")
    # A row lives only until its clip is in Slack, or is given up.
    db.execute("""
        CREATE TABLE clips (
          job_id TEXT PRIMARY KEY REFERENCES jobs (id),
          wanted_at INTEGER NOT NULL,
          due_at INTEGER NOT NULL,
          lease_until INTEGER NOT NULL DEFAULT 0,
          tries INTEGER NOT NULL DEFAULT 0
        ) STRICT""")
    # The other kinds of entries have an index of their own, so one job's entries are found without history.
    db.execute("CREATE INDEX entries_corrected ON entries (job_id) WHERE kind = 'correction'")


@migrations()
def m013_alerts_from(db: Database) -> None:
    """Each budget's lowest threshold as a number, so that a hold fetches only budgets with something to say."""
    # 0, where a bot of before sets a budget meanwhile: it is then always looked at.
    db.execute("ALTER TABLE budgets ADD COLUMN alerts_from INTEGER NOT NULL DEFAULT 0")
    for (thresholds,) in db.execute("SELECT DISTINCT thresholds FROM budgets").fetchall():
        lowest = min([100, *map(int, filter(None, thresholds.split(",")))])
        db.execute(
            "UPDATE budgets SET alerts_from = :lowest WHERE thresholds = :thresholds",
            {"lowest": lowest, "thresholds": thresholds},
        )
    # Whether any grant may be in force is asked by every hold.
    db.execute("CREATE INDEX grants_by_end ON grants (end_day)")


@migrations()
def m014_totals_by_time(db: Database) -> None:
    """A scope's totals in the order of their periods: the three that a hold adds to lie side by side.

    By kind, each of the nine was on a page of its own after some years, and every hold wrote nine pages.
    """
    db.execute("ALTER TABLE totals RENAME TO totals_by_kind")
    db.execute("""
        CREATE TABLE totals (
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          period_start INTEGER NOT NULL,
          held_millicredits INTEGER NOT NULL CHECK (held_millicredits >= 0),
          held_microusd INTEGER NOT NULL CHECK (held_microusd >= 0),
          settled_millicredits INTEGER NOT NULL CHECK (settled_millicredits >= 0),
          settled_microusd INTEGER NOT NULL CHECK (settled_microusd >= 0),
          PRIMARY KEY (scope, period_start, period_kind)
        ) STRICT, WITHOUT ROWID""")
    db.execute("INSERT INTO totals SELECT * FROM totals_by_kind ORDER BY scope, period_start, period_kind")
    db.execute("DROP TABLE totals_by_kind")


@migrations()
def m015_refused_once(db: Database) -> None:
    """A request that was refused again (delivered twice, asked more for) is one refusal in a digest."""
    db.execute("ALTER TABLE refused_requests ADD COLUMN counted INTEGER NOT NULL DEFAULT 0")


@migrations()
def m016_failures(db: Database) -> None:
    """How often in a row Kling's answer about a job could not be booked, and why."""
    db.execute("ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE jobs ADD COLUMN problem TEXT")


@migrations()
def m017_identity(db: Database) -> None:
    """What tells this ledger from any other, and from an older copy of itself."""
    db.execute("CREATE TABLE _ledger (id TEXT NOT NULL, beats INTEGER NOT NULL) STRICT")


@migrations()
def m018_gates_probed(db: Database) -> None:
    """Until when a job tries a gate that has come due: no other job, of any bot, tries it meanwhile."""
    db.execute("ALTER TABLE gates ADD COLUMN probe_until INTEGER NOT NULL DEFAULT 0")


@migrations()
def m019_budget_requirement(db: Database) -> None:
    """A ledger from which the bot made videos without any budget goes on doing so; a new one needs a first budget."""
    # A migration does not know the time: whoever opens the ledger next fills it in and tells the admins. What scripts
    # and imports recorded has no channel, and says nothing about how the bot was used.
    db.execute("""
        INSERT INTO facts (name, value) SELECT 'budget waiver', '{"by": "upgrade", "at": 0}'
        WHERE EXISTS (SELECT 1 FROM jobs WHERE channel_id <> '') AND NOT EXISTS (SELECT 1 FROM budgets)""")


@migrations()
def m020_outbox_leased(db: Database) -> None:
    """What is on its way to Slack, by line: nothing else of that line is claimed meanwhile."""
    db.execute("CREATE INDEX outbox_leased ON outbox (line, lease_until) WHERE state = 'waiting' AND lease_until > 0")


@migrations()
def m021_budget_removals(db: Database) -> None:
    """How often each budget was removed, so that a new one is not mistaken for it, and which requests that closed."""
    db.execute("ALTER TABLE budgets ADD COLUMN generation INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE increases ADD COLUMN budget_removed INTEGER NOT NULL DEFAULT 0")
    db.execute("""
        CREATE TABLE budget_removals (
          scope TEXT NOT NULL,
          period_kind TEXT NOT NULL CHECK (period_kind IN ('daily', 'weekly', 'monthly')),
          times INTEGER NOT NULL,
          removed_by TEXT NOT NULL,
          removed_at INTEGER NOT NULL,
          PRIMARY KEY (scope, period_kind)
        ) STRICT""")


@migrations()
def m022_overdue(db: Database) -> None:
    """Since when a message could be sent, where it was queued before that; since when Kling has not answered."""
    db.execute("ALTER TABLE outbox ADD COLUMN ready_at INTEGER")
    db.execute("ALTER TABLE jobs ADD COLUMN unanswered_since INTEGER")


@migrations()
def m023_project_states(db: Database) -> None:
    """Members spend only for projects that an admin has created; and rules can say who spends for one, and where."""
    # NULL: it was spent for without a budget, rules or a channel, and no admin has decided about it yet.
    db.execute("""
        CREATE TABLE project_states (
          project TEXT PRIMARY KEY,
          is_open INTEGER CHECK (is_open IN (0, 1))
        ) STRICT""")
    db.execute("""
        INSERT INTO project_states (project, is_open)
        SELECT project, 1 FROM projects UNION SELECT project, 1 FROM rules
        UNION SELECT substr(scope, 9), 1 FROM budgets WHERE substr(scope, 1, 8) = 'project:'""")
    db.execute("""
        INSERT INTO project_states (project)
        SELECT DISTINCT substr(scope, 9) FROM totals
        WHERE substr(scope, 1, 8) = 'project:' AND substr(scope, 9) <> 'default'
          AND substr(scope, 9) NOT IN (SELECT project FROM project_states)""")
    db.execute("CREATE INDEX projects_by_name ON projects (project)")
    db.execute("ALTER TABLE rules ADD COLUMN people TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE rules ADD COLUMN channels TEXT NOT NULL DEFAULT ''")


@migrations()
def m024_cancel_wishes(db: Database) -> None:
    """Who wants a job cancelled that may be at Kling, and where they asked: done once Kling proves not to have it."""
    db.execute("ALTER TABLE jobs ADD COLUMN cancel_by TEXT")
    db.execute("ALTER TABLE jobs ADD COLUMN cancel_response_url TEXT")
    db.execute("CREATE INDEX jobs_cancel_wished ON jobs (due_at) WHERE state = 'held' AND cancel_by IS NOT NULL")

"""SQL of a user: everything that could read, write, load or change anything is refused, three times over."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labtop.errors import QueryError
from labtop.query.engine import InterruptedQueryError, new_connection, translated_errors
from labtop.query.sandbox import Sandbox, lock_down
from labtop.query.sql_fill import CatalogViews
from tests.query.sql_store import ONE, make_store, source_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sql")
    make_store(folder)
    return folder


@pytest.fixture(scope="module")
def sandbox(folder: Path) -> Sandbox:
    return Sandbox(CatalogViews(source_of(folder / "store")), timeout_s=20, threads=1)


REFUSED = [
    # files, directly, by .. and by a symlink
    "SELECT * FROM read_text('{out}/secret.txt')",
    "SELECT * FROM read_text('{store}/../neighbour/secret.txt')",
    "SELECT * FROM read_text('{store}/link/secret.txt')",
    "SELECT * FROM read_blob('{out}/secret.txt')",
    "SELECT * FROM read_csv('{out}/secret.csv')",
    "SELECT * FROM read_csv_auto('{store}/link/secret.csv')",
    "SELECT * FROM sniff_csv('{out}/secret.csv')",
    "SELECT * FROM read_json('{store}/labtop.json')",
    "SELECT * FROM read_json_objects('{store}/labtop.json')",
    "SELECT * FROM read_ndjson('{out}/secret.txt')",
    "SELECT * FROM read_parquet('{out}/digits/cccccccccc/run.parquet')",
    "SELECT * FROM read_parquet('{store}/link/digits/cccccccccc/run.parquet')",
    "SELECT * FROM parquet_scan('{out}/digits/cccccccccc/run.parquet')",
    "SELECT * FROM parquet_metadata('{store}/digits/aaaaaaaaaa/run.parquet')",
    "SELECT * FROM parquet_schema('{store}/digits/aaaaaaaaaa/run.parquet')",
    "SELECT * FROM parquet_kv_metadata('{store}/digits/aaaaaaaaaa/run.parquet')",
    "SELECT * FROM read_duckdb('{out}/x.db')",
    "SELECT * FROM glob('{out}/*')",
    "SELECT * FROM glob('/etc/*')",
    "FROM '{out}/secret.csv'",
    "FROM '{store}/../neighbour/secret.csv'",
    "FROM \"{store}/link/secret.csv\"",
    "SELECT * FROM '{store}/digits/aaaaaaaaaa/run.parquet'",
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "WITH \"{out}/secret.csv\" AS (SELECT 1) SELECT * FROM \"{out}/secret.csv\"",
    "SELECT * FROM (WITH \"x.csv\" AS (SELECT 1) FROM \"x.csv\"), \"x.csv\"",
    "SELECT (SELECT content FROM read_text('{out}/secret.txt'))",
    "SELECT * FROM runs WHERE name IN (SELECT content FROM read_text('{out}/secret.txt'))",
    "WITH x AS MATERIALIZED (FROM read_csv('{out}/secret.csv')) SELECT 1",
    "SELECT * FROM runs, LATERAL (SELECT * FROM read_text('{out}/' || name))",
    "SELECT list_transform(['{out}/secret.txt'], lambda x: (SELECT content FROM read_text(x)))",
    "FROM \"read_text\"('{out}/secret.txt')",
    "FROM system.main.read_text('{out}/secret.txt')",
    "DESCRIBE FROM read_csv('{out}/secret.csv')",
    "SUMMARIZE FROM read_csv('{out}/secret.csv')",
    "SUMMARIZE '{out}/secret.csv'",
    "EXPLAIN ANALYZE SELECT * FROM read_csv('{out}/secret.csv')",
    # SQL in text
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('runs')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "PRAGMA json_execute_serialized_sql('x')",
    # writing
    "COPY runs TO '{store}/x.parquet'",
    "COPY (SELECT 1) TO '{store}/digits/aaaaaaaaaa/metrics/wwwwwwwwww-00001.parquet'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "COPY runs FROM '{out}/secret.csv'",
    "EXPORT DATABASE '{store}/x'",
    "IMPORT DATABASE '{store}/x'",
    "ATTACH '{store}/x.db'",
    "ATTACH ':memory:' AS x",
    "DETACH memory",
    "CREATE TABLE x AS SELECT 1",
    "CREATE VIEW runs AS SELECT 1",
    "CREATE MACRO x() AS 1",
    "CREATE SECRET x (TYPE s3)",
    "INSERT INTO runs VALUES (1)",
    "UPDATE _index SET id = 'x'",
    "DELETE FROM _index",
    "DROP VIEW runs",
    "TRUNCATE _index",
    "ALTER TABLE _index RENAME TO x",
    "WITH x AS (DELETE FROM _index RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO runs SELECT * FROM runs RETURNING *) FROM x",
    "WITH x AS (UPDATE runs SET id = '1' RETURNING *) FROM x",
    # settings, extensions, the rest of the system
    "SET memory_limit = '10GB'",
    "RESET memory_limit",
    "PRAGMA memory_limit = '10GB'",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM 'http://example.org'",
    "CHECKPOINT",
    "USE memory",
    "BEGIN",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "VACUUM",
    "SELECT getenv('HOME')",
    "SELECT current_setting('memory_limit')",
    "SELECT getvariable('x')",
    "SELECT nextval('x')",
    "SELECT sleep_ms(1000)",
    "SELECT write_log('x')",
    "SELECT name.getenv() FROM runs",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM pragma_table_info('runs')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM _index",
    "SELECT * FROM _single",
    "SELECT * FROM other.runs",
    "SHOW DATABASES",
    "SHOW ALL TABLES",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM python_map_function(1)",
    "SELECT * FROM sandbox",
    # more or less than one SELECT
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY runs TO '{store}/x.csv'",
    "SELECT 1; -- \n DROP VIEW runs",
    "",
    "   ",
    "-- nothing",
    "SELECT $1",
    "SELECT ?",
    "SELECT",
    "SELECT * FROM",
    "nonsense",
    "SELECT '\ud800'",
    "SELECT " + "+".join(["1"] * 4000),
    "SELECT '" + "x" * 100_001 + "'",
]  # fmt: skip


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:70])
def test_refuses(query: str, folder: Path, sandbox: Sandbox) -> None:
    """A query that is anything but one SELECT over the views is refused before it runs, and leaves nothing behind."""
    before = sorted(path for path in folder.rglob("*"))
    with pytest.raises(QueryError) as caught:
        sandbox.run(
            query.replace("{store}", str(folder / "store")).replace("{out}", str(folder / "neighbour"))
        )
    assert "hunter2" not in str(caught.value)
    assert sorted(path for path in folder.rglob("*")) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{out}/secret.txt')",
        "SELECT * FROM read_text('{store}/../neighbour/secret.txt')",
        "SELECT * FROM read_text('{store}/link/secret.txt')",
        "SELECT * FROM read_text('{store}/labtop.json')",
        "FROM '{out}/secret.csv'",
        "SELECT * FROM glob('{out}/*')",
        "SELECT * FROM read_parquet('{store}/link/digits/cccccccccc/run.parquet')",
        "COPY (SELECT 1 AS x) TO '{store}/x.csv'",
        "COPY (SELECT 1 AS x) TO '{part}' (FORMAT parquet)",
        "EXPORT DATABASE '{store}/x'",
        "ATTACH '{store}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '10GB'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
        "SELECT * FROM folder",
    ],
)
def test_the_locked_database_holds_by_itself(query: str, folder: Path) -> None:
    """The third gate alone: with the first two open, no file but the view's own can be read or written."""
    part = next((folder / "store").glob("*/*/metrics/*.parquet"))
    content = part.read_bytes()
    connection = new_connection(threads=1)
    lock_down(connection, [part])
    query = query.replace("{store}", str(folder / "store")).replace("{out}", str(folder / "neighbour"))
    with pytest.raises(QueryError), translated_errors():
        connection.execute(query.replace("{part}", str(part))).fetchall()
    assert connection.execute("SELECT count(*) FROM read_parquet(?)", [str(part)]).fetchall() == [(5,)]
    connection.close()
    assert part.read_bytes() == content
    assert not (folder / "store" / "x.csv").exists()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) FROM runs", [(4,)]),
        ("SELECT count(*) FROM main.runs;", [(4,)]),
        ("FROM runs SELECT name WHERE status = 'failed'", [("base-vit",)]),
        ("SELECT count(*), max(value) FROM metrics", [(5, 1.0)]),
        ("SELECT run_id FROM metrics GROUP BY ALL", [(ONE,)]),
        ("WITH x AS (SELECT 1 AS a) SELECT a FROM x", [(1,)]),
        ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t", [(15,)]),
        (
            "SELECT upper(name), row_number() OVER (ORDER BY name) FROM runs WHERE status = 'failed'",
            [("BASE-VIT", 1)],
        ),
        ("SELECT name.upper() FROM runs WHERE status = 'failed'", [("BASE-VIT",)]),
        ("SELECT sum(x) FROM unnest([1, 2]) t(x), range(2)", [(6,)]),
        (
            "SELECT list_transform([1, 2], lambda x: x + 1), [x * 2 for x in [1]], {'a': 1}.a, [1, 2][1:1]",
            [([2, 3], [2], 1, [1])],
        ),
        ("VALUES (1), (2)", [(1,), (2,)]),
        ("SELECT 1 UNION SELECT 1", [(1,)]),
        ("SELECT count(*) FILTER (WHERE status = 'failed') FROM runs", [(1,)]),
        (
            "SELECT lag(x) OVER (ORDER BY x), ntile(2) OVER (ORDER BY x), first_value(x) OVER () FROM range(1) t(x)",
            [(None, 1, 0)],
        ),
        (
            "SELECT CASE WHEN true THEN coalesce(NULL, 1) END, CAST('1' AS INT), 1::DOUBLE, "
            "ifnull(NULL, 2), if(true, 1, 2)",
            [(1, 1, 1.0, 2, 1)],
        ),
        (
            "SELECT date_trunc('day', TIMESTAMP '2026-01-02 03:04:05')::VARCHAR, extract(year FROM DATE '2026-01-02')",
            [("2026-01-02 00:00:00", 2026)],
        ),
        ("SELECT count(*) FROM (DESCRIBE metrics)", [(5,)]),
        (
            "SELECT json_extract_string('{\"a\": 1}', '$.a'), regexp_extract('abc', 'b'), "
            "strftime(DATE '2026-01-02', '%Y')",
            [("1", "b", "2026")],
        ),
        (
            "SELECT median(x), quantile_cont(x, 0.5), stddev(x), arg_max(x, x), list(x), "
            "string_agg(x, ',') FROM range(3) t(x)",
            [(1.0, 1.0, 1.0, 2, [0, 1, 2], "0,1,2")],
        ),
        ("SELECT r.name FROM runs r SEMI JOIN summary s ON r.id = s.run_id AND s.count = 10", [("base-resnet",)]),
        ("SELECT count(*) FROM runs ORDER BY ALL LIMIT 3 OFFSET 0", [(4,)]),
        (
            "SELECT EXISTS (SELECT 1 FROM runs), 1 IN (SELECT 1), 'a' LIKE 'a%', 'a' ~ 'a', "
            "NOT true, 1 BETWEEN 0 AND 2",
            [(True, True, True, True, False, True)],
        ),
    ],
)  # fmt: skip
def test_answers(query: str, rows: list[object], sandbox: Sandbox) -> None:
    """What people ask of their runs is answered."""
    assert sandbox.run(query).rows == rows


def test_names_and_types(sandbox: Sandbox) -> None:
    """An answer says what its columns are called and hold."""
    answer = sandbox.run('SELECT name, "val/loss" AS loss FROM runs LIMIT 0')
    assert (answer.columns, answer.types, answer.rows) == (("name", "loss"), ("VARCHAR", "DOUBLE"), [])


@pytest.mark.parametrize("query", ["SHOW TABLES", "DESCRIBE runs", "SUMMARIZE metrics"])
def test_describes(query: str, sandbox: Sandbox) -> None:
    """The views can be looked at."""
    sandbox.run(query)


@pytest.mark.parametrize(
    ("query", "position", "says"),
    [
        ("SELECT * FROM rums", 14, "nearest: runs"),
        ("SELECT é, * FROM rums", 17, "nearest: runs"),
        ("SELECT nam FROM runs", 7, '"name"'),
        ("SELECT\n  1,\n  nam\nFROM runs", 14, '"name"'),
        ("SELECT uper(name) FROM runs", 7, "upper"),
        ("SELECT 1 FRM runs", 13, "syntax error"),
        ("SELECT getenv('x')", 7, "not allowed"),
        ("SELECT * FROM read_csv('x')", 14, "there are the tables"),
        ("COPY runs TO 'x'", None, "only SELECT"),
        ("PIVOT runs ON status", None, "FILTER"),
        ("SELECT 'a'::INT FROM runs", 7, "Could not convert"),
        ("SELECT " + " " * 200 + "nam FROM runs", 207, '"name"'),
    ],
)
def test_errors_say_where(query: str, position: int | None, says: str, sandbox: Sandbox) -> None:
    """An error is one line with the character and what would fit."""
    with pytest.raises(QueryError) as caught:
        sandbox.run(query)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    if not query.startswith("SELECT 'a'::INT"):  # where a conversion fails, versions differ
        assert caught.value.position == position


ENDLESS = (
    "SELECT count(*) FROM range(10000000000) a, range(10000000000) b",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
)


@pytest.mark.parametrize("query", ENDLESS)
def test_an_endless_query_runs_out_of_time(query: str, folder: Path) -> None:
    """The time limit ends a query that would never end."""
    sandbox = Sandbox(CatalogViews(source_of(folder / "store")), timeout_s=0.5)
    started = time.monotonic()
    with pytest.raises(QueryError, match=r"took longer than 0\.5 s"):
        sandbox.run(query)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("query", ENDLESS)
def test_an_endless_query_is_interrupted(query: str, folder: Path) -> None:
    """Another thread can stop a query, even one that it catches before it has started."""
    sandbox = Sandbox(CatalogViews(source_of(folder / "store")), timeout_s=60)
    timer = threading.Timer(0.3, sandbox.interrupt)
    timer.start()
    with pytest.raises(InterruptedQueryError, match="interrupted"):
        sandbox.run(query)
    timer.join()
    assert sandbox.run("SELECT 1").rows == [(1,)]


def test_ctrl_c_ends_a_query(folder: Path) -> None:
    """SIGINT reaches a process in the midst of a query, and the query ends."""
    script = f"""
import sys, threading
from pathlib import Path
from labtop.query.sandbox import Sandbox
from labtop.query.sql_fill import CatalogViews
from tests.query.sql_store import source_of
sandbox = Sandbox(CatalogViews(source_of(Path({str(folder / "store")!r}))), timeout_s=60)
threading.Timer(0.5, lambda: print("running", flush=True)).start()
try:
    sandbox.run({ENDLESS[1]!r})
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == "interrupted\n"


def test_memory_has_a_limit(folder: Path) -> None:
    """A query that would eat the machine's memory ends with a message."""
    sandbox = Sandbox(CatalogViews(source_of(folder / "store")), memory="100MB", timeout_s=60, threads=1)
    with pytest.raises(QueryError, match="more memory than it may use"):
        sandbox.run("SELECT list(x) FROM range(100000000) t(x)")


def test_nothing_is_left_on_disk(
    folder: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copies that a query reads are gone when it has run."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    sandbox.run("SELECT * FROM runs, metrics, packages")
    assert list(tmp_path.iterdir()) == []

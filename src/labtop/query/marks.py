"""The five reproducibility marks of many runs: judged once for each distinct group of facts, by `score_record`.

What is judged is in model/score.py; here is only how to ask it few times. A pillar sees nothing but the groups
that are given to it, which a test proves to be enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from labtop.errors import InputError
from labtop.model.run import Command, ConfigFile, Randomness, RunRecord
from labtop.model.score import score_record
from labtop.query.engine import Engine
from labtop.store.format import decode_group


def make_marks(engine: Engine) -> None:
    """Make the table `mark_chunk` (row, score) from `chunk` and `twin_chunk` (row, has_seed)."""
    engine.execute(
        """CREATE OR REPLACE TABLE judged AS SELECT row,
               coalesce(code, '{}') AS code, coalesce(data, '[]') AS data,
               coalesce(environment, '{}') AS environment,
               [coalesce(json_array_length(command, '$.argv'), 0) > 0,
                coalesce(json_type(command, '$.cwd'), 'NULL') <> 'NULL',
                coalesce(params, '{}') <> '{}',
                coalesce(json_array_length(command, '$.config_files'), 0)
                    = len(json_extract(coalesce(command, '{}'), '$.config_files[*].kept'))] AS configuration,
               {keys: list_sort(json_keys(randomness, '$.seeds')),
                imported: json_extract_string(randomness, '$.imported[*]'),
                seed: coalesce(has_seed, false)} AS randomness
           FROM chunk LEFT JOIN twin_chunk USING (row)"""
    )
    for pillar in ("code", "data", "environment"):
        _judge(engine, pillar, "VARCHAR", partial(_mark_of_text, pillar))
    _judge(engine, "configuration", "BOOLEAN[]", _configuration_mark)
    _judge(engine, "randomness", "STRUCT(keys VARCHAR[], imported VARCHAR[], seed BOOLEAN)", _randomness_mark)
    engine.execute(
        """CREATE OR REPLACE TABLE mark_chunk AS
           SELECT row, code_mark || data_mark || environment_mark || configuration_mark || randomness_mark AS score
           FROM judged JOIN code_marks USING (code) JOIN data_marks USING (data)
                JOIN environment_marks USING (environment)
                JOIN configuration_marks USING (configuration) JOIN randomness_marks r
                ON r.randomness IS NOT DISTINCT FROM judged.randomness"""
    )


def _judge(engine: Engine, pillar: str, sql_type: str, judge: Callable[[Any], str]) -> None:
    """Make a table of the distinct facts for a pillar and their mark."""
    facts = [row[0] for row in engine.query(f"SELECT DISTINCT {pillar} FROM judged")]
    engine.execute(
        f"""CREATE OR REPLACE TABLE {pillar}_marks AS
            SELECT unnest(?::{sql_type}[]) AS {pillar}, unnest(?::VARCHAR[]) AS {pillar}_mark""",
        [facts, [judge(each) for each in facts]],
    )


def _mark(pillar: str, **groups: Any) -> str:
    return score_record(RunRecord(id="", name="", project="", **groups))[pillar].mark


def _mark_of_text(pillar: str, text: str) -> str:
    try:
        return _mark(pillar, **{pillar: decode_group(pillar, text)})
    except InputError:
        return _mark(pillar)


def _configuration_mark(facts: Iterable[bool]) -> str:
    has_argv, has_cwd, has_params, has_files = facts
    command = Command(
        argv=("x",) if has_argv else (),
        cwd="." if has_cwd else None,
        config_files=() if has_files else (ConfigFile(path="x"),),
    )
    return _mark("configuration", command=command, params={"x": 1} if has_params else {})


def _randomness_mark(facts: dict[str, Any]) -> str:
    randomness = Randomness(
        seeds=dict.fromkeys(facts["keys"] or (), 0), imported=tuple(facts["imported"] or ())
    )
    return _mark("randomness", randomness=randomness, params={"seed": 0} if facts["seed"] else {})

"""What is written otherwise in DuckDB, PostgreSQL, MySQL and ClickHouse, and how it is here."""

from __future__ import annotations

import re

from envoylogs.errors import nearest

_BUCKETS = "CAST(CAST(start_time AS BIGINT) // 300000000 * 300000000 AS TIMESTAMP)"
_LATEST = (
    "SELECT * FROM logs QUALIFY row_number() OVER (PARTITION BY host ORDER BY duration_ms DESC) = 1"
)
_MOST_FREQUENT = "SELECT path FROM logs GROUP BY path ORDER BY count(*) DESC LIMIT 1"

# The names of functions elsewhere, and what to write here: an expression or a query over the table
# of logs, that a test runs.
_INSTEAD = {
    "percentile_cont quantile percentile approx_percentile quantiles": (
        "quantile_cont(duration_ms, 0.99)"
    ),
    "percentile_disc quantileexact": "quantile_disc(duration_ms, 0.99)",
    "regexp_matches regexp_match regexp_full_match regexp": "path ~ '^/api/'",
    "regexp_extract regexp_substr extract_group": (r"regexp_replace(path, '^/([^/?]*).*$', '\1')"),
    "regexp_split_to_array string_split str_split split splitbychar": "string_to_array(path, '/')",
    "to_timestamp from_unixtime epoch_to_timestamp": "CAST(1793534400 * 1000000 AS TIMESTAMP)",
    "epoch unix_timestamp to_unixtime": "extract(epoch FROM start_time)",
    "epoch_ms to_unix_timestamp": "extract(epoch FROM start_time) * 1000",
    "time_bucket date_bin tostartofinterval tostartoffiveminutes": _BUCKETS,
    "tostartofminute": "date_trunc('minute', start_time)",
    "tostartofhour": "date_trunc('hour', start_time)",
    "todate": "CAST(start_time AS DATE)",
    "date_diff datediff timestampdiff age": "(now() - start_time) / INTERVAL '1 minute'",
    "date_add dateadd adddate date_sub": "start_time + INTERVAL '1 hour'",
    "to_char format_datetime date_format formatdatetime": "strftime(start_time, '%H:%M')",
    "dayname": "strftime(start_time, '%A')",
    "monthname": "strftime(start_time, '%B')",
    "getdate sysdate utc_timestamp": "now()",
    "today curdate": "current_date",
    "count_if countif": "count(*) FILTER (WHERE response_code >= 500)",
    "sum_if sumif": "sum(bytes_sent) FILTER (WHERE response_code >= 500)",
    "bool_and every": "min(is_error)",
    "bool_or any_true": "max(is_error)",
    "arg_max max_by arg_min min_by argmax argmin": _LATEST,
    "approx_count_distinct uniq uniqexact ndv": "count(DISTINCT client)",
    "any_value arbitrary anylast": "first(path)",
    "mode top_k topk approx_top_k": _MOST_FREQUENT,
    "list collect_list collect_set grouparray": "array_agg(path)",
    "histogram width_bucket": "duration_ms // 100 * 100",
    "stddev_pop std stddevpop": "stddev(duration_ms)",
    "var_pop varpop": "variance(duration_ms)",
    "contains instr locate charindex position_of": "strpos(path, 'cart')",
    "prefix startswith": "starts_with(path, '/api')",
    "suffix endswith": "ends_with(path, '.js')",
    "len": "length(path)",
    "mid": "substr(path, 1, 10)",
    "ucase": "upper(host)",
    "lcase": "lower(host)",
    "format printf": "concat(host, path)",
    "isnull": "path IS NULL",
    "nvl": "coalesce(route_name, '-')",
    "iif iff multiif": "if(response_code >= 500, 'bad', 'good')",
    "decode": "CASE WHEN response_code >= 500 THEN 'bad' ELSE 'good' END",
    "bit_and_agg bit_or_agg": "bit_and(response_code, 1)",
    "safe_divide": "bytes_sent / duration_ms",
}
INSTEAD: dict[str, str] = {name: here for names, here in _INSTEAD.items() for name in names.split()}
"""What to write for a function that there is not, by its name."""

FUNCTIONS = tuple(
    """abs acos approx_quantile array_agg array_contains array_get array_length array_to_string
    array_unique asin atan atan2 avg bit_and bit_count bit_length bit_or bit_xor cbrt ceil
    char_length coalesce concat concat_ws corr cos count covar cume_dist current_date date date_part
    date_trunc day dayofweek dayofyear degrees dense_rank div ends_with exp first
    first_value floor greatest group_concat hour if ifnull initcap lag last last_value lead least
    left length ln log log10 log1p log2 lower lpad ltrim max median min minute mod month now
    nth_value ntile nullif octet_length percent_rank pi pow quantile_cont quantile_disc quarter
    radians rank regexp_like regexp_replace replace reverse right round row_number rpad rtrim second
    sign sin split_part sqrt starts_with stddev strftime string_agg string_to_array strpos strptime
    substr sum tan trunc unnest upper variance week year""".split()  # noqa: SIM905  # a hundred words
)  # fmt: skip
"""Functions that there are, to be offered."""

_NO_FUNCTION = re.compile(r"unsupported function '(?P<name>\w+)'")
_CLAUSES = (
    ("PIVOT", "PIVOT", "count(*) FILTER (WHERE response_code >= 500) for each column"),
    (r"expression SimilarTo", "SIMILAR TO", "path ~ '^/api/'"),
    (r"found: '[^']*' at", "GLOB", "path LIKE '/api/%'"),
    (r"SAMPLE\b", "a sample", "LIMIT 100"),
    (r"window frame 'RANGE", "RANGE BETWEEN", "ROWS BETWEEN 3 PRECEDING AND CURRENT ROW"),
    (r"expression Tuple|count\(DISTINCT", "DISTINCT of several", "DISTINCT concat_ws(' ', a, b)"),
    (r"expression Collate", "COLLATE", "lower(host)"),
    (r"PGBitwise|BitwiseXor", "arithmetic of bits", "bit_and(a, b), bit_or or bit_xor"),
    (r"DATE_TRUNC does not support", "date_trunc to several units", _BUCKETS),
    (r"cannot parse literal Identifier", "a format in front", "strftime(start_time, '%H:%M')"),
)  # fmt: skip


def written_here(error: str) -> str | None:
    """Return what to write here, if an error of Polars is about what is written otherwise."""
    function = _NO_FUNCTION.search(error)
    if function is not None:
        name = function["name"].lower()
        here = INSTEAD.get(name)
        if here is not None:
            return f"there is no function {name}; write {here}"
        near = nearest(name, FUNCTIONS)
        return f"there is no function {name}{near and f'.{near}'}"
    for pattern, clause, here in _CLAUSES:
        if re.search(pattern, error):
            return f"{clause} is not known here; write {here}"
    return None

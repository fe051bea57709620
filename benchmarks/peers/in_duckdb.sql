-- The tables of `envoylogs summarize`, as a DuckDB user would ask for them.
--
-- The log is read once, with the columns and types that are needed and no guessing, into a
-- table in memory that holds values as they are counted. All tables are one query over it, a
-- UNION ALL whose parts run side by side: it took a tenth less processor time than GROUPING SETS,
-- and keys as ENUMs took as long to make as they saved. `quantile_disc` is the nearest rank.

SET preserve_insertion_order = false;

CREATE TEMP TABLE record AS
WITH line AS (
    SELECT *, nullif(response_flags, '-') AS flags
    FROM read_json(
        getvariable('log'), format = 'newline_delimited', ignore_errors = true,
        columns = {
            authority: 'VARCHAR', bytes_received: 'BIGINT', bytes_sent: 'BIGINT',
            downstream_local_address: 'VARCHAR', duration: 'BIGINT', method: 'VARCHAR',
            path: 'VARCHAR', protocol: 'VARCHAR', response_code: 'INTEGER',
            response_code_details: 'VARCHAR', response_flags: 'VARCHAR', route_name: 'VARCHAR',
            start_time: 'TIMESTAMP', upstream_cluster: 'VARCHAR', upstream_host: 'VARCHAR',
            upstream_service_time: 'BIGINT'
        }
    )
),
judged AS (
    SELECT
        *,
        response_code_details = 'via_upstream' AND response_code <> 101
            AND coalesce(flags IN ('DI', 'URX', 'DI,URX'), true) AS answered,
        coalesce(flags = 'NR', false)
            OR (response_code = 404 AND flags IS NULL AND upstream_cluster IS NULL
                AND upstream_host IS NULL AND coalesce(route_name = 'default', false)) AS unrouted
    FROM line
)
SELECT
    CASE
        WHEN upstream_cluster IN ('agent', 'prometheus_stats')
            OR suffix(downstream_local_address, ':15021')
            OR suffix(downstream_local_address, ':15090') THEN 'own'
        WHEN coalesce(response_code, 0) = 0 AND coalesce(method, path, authority, protocol) IS NULL
            THEN 'connection'
        ELSE 'request'
    END AS kind,
    start_time,
    -- A pattern is dear, and few names have a port.
    CASE
        WHEN contains(authority, ':') THEN regexp_replace(lower(authority), ':(80|443)$', '')
        ELSE lower(authority)
    END AS authority,
    CASE WHEN unrouted THEN split_part(path, '?', 1) END AS path,
    route_name, response_code, response_code // 100 AS class, upstream_cluster, upstream_host,
    flags AS response_flags, response_code_details,
    split_part(downstream_local_address, ':', 1) AS gateway,
    bytes_sent, bytes_received, unrouted,
    upstream_cluster IS NOT NULL AND coalesce(flags NOT IN ('FI', 'RL', 'UAEX'), true)
        AND coalesce(NOT starts_with(response_code_details, 'rbac_'), true) AS sent,
    CASE WHEN answered THEN duration END AS latency_ms,
    CASE WHEN answered THEN upstream_service_time END AS upstream_time_ms
FROM judged
-- A line that can't be read is a row of nulls.
WHERE start_time IS NOT NULL;

CREATE TEMP VIEW request AS SELECT * FROM record WHERE kind = 'request';

CREATE MACRO times(ms) AS {
    'count': count(ms), 'max': max(ms), 'mean': avg(ms),
    'ranks': quantile_disc(ms, [0.5, 0.9, 0.95, 0.99, 0.999])
};

CREATE MACRO traffic(class, unrouted, bytes_sent, bytes_received) AS {
    'requests': count(*),
    '0': count_if(class = 0), '1xx': count_if(class = 1), '2xx': count_if(class = 2),
    '3xx': count_if(class = 3), '4xx': count_if(class = 4), '5xx': count_if(class = 5),
    'unrouted': count_if(unrouted),
    'bytes_sent': sum(bytes_sent), 'bytes_received': sum(bytes_received)
};

CREATE MACRO shown(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ');

CREATE MACRO host(name) AS
    CASE WHEN contains(name, ':') THEN regexp_replace(name, ':\d+$', '') ELSE name END;

COPY (
    WITH
    by_column AS (
        SELECT 'authority' AS "table", [authority] AS key,
            traffic(class, unrouted, bytes_sent, bytes_received) AS n,
            times(latency_ms) AS t
        FROM request GROUP BY authority
        UNION ALL
        SELECT 'route_name', [route_name],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY route_name
        UNION ALL
        SELECT 'response_code', [response_code::VARCHAR],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY response_code
        UNION ALL
        SELECT 'upstream_cluster', [upstream_cluster],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY upstream_cluster
        UNION ALL
        SELECT 'response_flags', [response_flags],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY response_flags
        UNION ALL
        SELECT 'response_code_details', [response_code_details],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY response_code_details
        UNION ALL
        SELECT 'gateway', [gateway],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY gateway
        UNION ALL
        SELECT 'upstream_host', [upstream_host],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY upstream_host
        UNION ALL
        SELECT 'groups', [authority, route_name, response_code::VARCHAR, upstream_cluster],
            traffic(class, unrouted, bytes_sent, bytes_received),
            times(latency_ms)
        FROM request GROUP BY authority, route_name, response_code, upstream_cluster
    ),
    in_other_forms AS (
        SELECT
            'overview' AS "table", []::VARCHAR[] AS key, count_if(kind = 'request') AS requests,
            count_if(kind = 'connection') AS connections, count_if(kind = 'own') AS own_traffic,
            count_if(kind = 'request' AND response_code = 404) AS not_found,
            count_if(kind = 'request' AND unrouted) AS unrouted,
            sum(bytes_sent) FILTER (kind = 'request') AS bytes_sent,
            sum(bytes_received) FILTER (kind = 'request') AS bytes_received,
            shown(min(start_time)) AS first, shown(max(start_time)) AS last
        FROM record
        UNION ALL BY NAME
        SELECT
            'timeline' AS "table", [shown(bucket)] AS key, count(*) AS requests,
            count_if(class = 5) AS "5xx", count_if(unrouted) AS unrouted
        FROM (
            SELECT *, time_bucket(to_seconds(getvariable('width')), start_time) AS bucket
            FROM request
        )
        GROUP BY bucket
        UNION ALL BY NAME
        SELECT
            'turned_away' AS "table", [host(authority), path] AS key, count(*) AS requests,
            shown(min(start_time)) AS first, shown(max(start_time)) AS last
        FROM request WHERE unrouted GROUP BY host(authority), path
    ),
    timed AS (
        SELECT 'times' AS "table", ['latency_ms'] AS key, NULL::BIGINT AS requests,
            times(latency_ms) AS t
        FROM request
        UNION ALL
        SELECT 'times', ['upstream_time_ms'], NULL, times(upstream_time_ms) FROM request
        UNION ALL
        SELECT 'times', ['gateway_ms'], NULL, times(latency_ms - upstream_time_ms) FROM request
        UNION ALL
        SELECT 'splits', [route_name, host(authority), upstream_cluster], count(*),
            times(latency_ms)
        FROM request WHERE sent GROUP BY route_name, host(authority), upstream_cluster
    )
    SELECT
        * EXCLUDE (ranks), ranks[1] AS p50, ranks[2] AS p90, ranks[3] AS p95, ranks[4] AS p99,
        ranks[5] AS p999
    FROM (
        SELECT "table", key, unnest(n), unnest(t) FROM by_column
        UNION ALL BY NAME
        SELECT "table", key, requests, unnest(t) FROM timed
        UNION ALL BY NAME
        SELECT * FROM in_other_forms
    )
    ORDER BY "table", requests DESC, key
) TO '/dev/stdout' (FORMAT json);

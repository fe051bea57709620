# The tables of `envoylogs summarize`, as a jq user would ask for them.
#
# One pass counts equal requests, which share a key of all columns and latency, in one flat object:
# jq 1.6 copies what is nested, and all of it if the key is not made before. The tables are made of
# these counts. Left out: times of the upstream and of the gateway in the table `times`.

def host: if . == null then . else sub(":[0-9]+$"; "") end;

def cleaned:
  if . == null then . else
    ascii_downcase
    | if endswith(":80") then .[:-3] elif endswith(":443") then .[:-4] else . end
  end;

def is_own_port: . != null and (endswith(":15021") or endswith(":15090"));

def judged:
  (if .response_flags == "-" then null else .response_flags end) as $flags
  | (.authority | cleaned) as $authority
  | ($flags == "NR" or (.response_code == 404 and $flags == null and .upstream_cluster == null
      and .upstream_host == null and .route_name == "default")) as $unrouted
  | {
      $authority, $unrouted, $flags,
      kind: (
        if .upstream_cluster == "agent" or .upstream_cluster == "prometheus_stats"
          or (.downstream_local_address | is_own_port)
        then "own"
        elif (.response_code // 0) == 0 and .method == null and .path == null
          and .authority == null and .protocol == null
        then "connection"
        else "request" end
      ),
      sent: (.upstream_cluster != null and $flags != "FI" and $flags != "RL" and $flags != "UAEX"
        and ((.response_code_details // "") | startswith("rbac_") | not)),
      latency: (
        if .response_code_details == "via_upstream" and .response_code != 101
          and ($flags == null or $flags == "DI" or $flags == "URX" or $flags == "DI,URX")
        then .duration else null end
      )
    };

# A record under each key that it is counted under, with its sizes and time.
def counted:
  . as $r | judged as $j
  | [.bytes_sent, .bytes_received, .start_time] as $sizes
  | if $j.kind != "request" then [([$j.kind] | tojson)] + $sizes
    else
      ([
        "request", $j.authority, .route_name, .response_code, .upstream_cluster, $j.flags,
        .response_code_details, (.downstream_local_address | host), .upstream_host, $j.latency,
        $j.sent, $j.unrouted
      ] | [tojson] + $sizes),
      ([
        "second", .start_time[:19], (.response_code >= 500), $j.unrouted
      ] | [tojson] + $sizes),
      if $j.unrouted then
        (["turned_away", ($j.authority | host), (.path | split("?")[0])] | [tojson] + $sizes)
      else empty end
    end;

def sums: {
  requests: (map(.n) | add),
  bytes_sent: (map(.sent) | add),
  bytes_received: (map(.received) | add),
  unrouted: (map(select(.unrouted) | .n) | add // 0)
};

def classes:
  . as $rows
  | reduce range(6) as $class ({};
      .[if $class == 0 then "0" else "\($class)xx" end]
        = ([$rows[] | select((.code / 100 | floor) == $class) | .n] | add // 0));

# Nearest rank, from counts by latency.
def times:
  [group_by(.latency)[] | {ms: .[0].latency, n: (map(.n) | add)} | select(.ms != null)] as $counts
  | ($counts | map(.n) | add // 0) as $n
  | {count: $n}
  | if $n == 0 then . else
      . + {max: $counts[-1].ms, mean: (($counts | map(.ms * .n) | add) / $n)}
      + ([foreach $counts[] as $c (0; . + $c.n; [., $c.ms])] as $upto
        | {p50: 500, p90: 900, p95: 950, p99: 990, p999: 999}
        | map_values(. as $q | first($upto[] | select(.[0] * 1000 >= $n * $q)) | .[1]))
    end;

def shown: map(if . == null then . else tostring end);

def rows($table; key; numbers):
  group_by(key)[] | {table: $table, key: (.[0] | key | shown)} + numbers;

def bucket: (. + "Z" | fromdate) as $at | ($at - $at % $width_s | todate)[:-1] + ".000Z";

reduce (inputs | counted) as $new ({};
  .[$new[0]] as $old
  | setpath([$new[0]];
      if $old == null then [1, $new[1], $new[2], $new[3], $new[3]]
      else
        [
          $old[0] + 1, $old[1] + $new[1], $old[2] + $new[2],
          (if $new[3] < $old[3] then $new[3] else $old[3] end),
          (if $new[3] > $old[4] then $new[3] else $old[4] end)
        ]
      end)
)
| to_entries
| map((.key | fromjson) as $k | .value as $v
    | {kind: $k[0], key: $k, n: $v[0], sent: $v[1], received: $v[2], first: $v[3], last: $v[4]})
| group_by(.kind) | map({key: .[0].kind, value: .}) | from_entries
| ((.request // []) | map(. + {
    authority: .key[1], route: .key[2], code: .key[3], cluster: .key[4], flags: .key[5],
    details: .key[6], gateway: .key[7], host: .key[8], latency: .key[9], was_sent: .key[10],
    unrouted: .key[11]
  })) as $requests
| (.own // []) as $own | (.connection // []) as $connections
| (.second // []) as $seconds | (.turned_away // []) as $turned_away
| ($requests + $own + $connections) as $all
| {table: "overview", key: []} + ($requests | sums) + {
    connections: ($connections | map(.n) | add // 0),
    own_traffic: ($own | map(.n) | add // 0),
    not_found: ([$requests[] | select(.code == 404) | .n] | add // 0),
    first: ($all | map(.first) | min), last: ($all | map(.last) | max)
  },
  ({table: "times", key: ["latency_ms"]} + ($requests | times)),
  ($requests
    | rows("authority"; [.authority]; sums + classes + times),
      rows("route_name"; [.route]; sums + classes + times),
      rows("response_code"; [.code]; sums + classes + times),
      rows("upstream_cluster"; [.cluster]; sums + classes + times),
      rows("response_flags"; [.flags]; sums + classes + times),
      rows("response_code_details"; [.details]; sums + classes + times),
      rows("gateway"; [.gateway]; sums + classes + times),
      rows("upstream_host"; [.host]; sums + classes + times),
      rows("groups"; [.authority, .route, .code, .cluster]; sums + classes + times)),
  ([$requests[] | select(.was_sent)]
    | rows("splits"; [.route, (.authority | host), .cluster]; sums + times)),
  ($seconds | map(. + {bucket: (.key[1] | bucket)})
    | rows("timeline"; [.bucket]; {
        requests: (map(.n) | add),
        "5xx": (map(select(.key[2]) | .n) | add // 0),
        unrouted: (map(select(.key[3]) | .n) | add // 0)
      })),
  ($turned_away
    | rows("turned_away"; .key[1:]; {
        requests: (map(.n) | add), first: (map(.first) | min), last: (map(.last) | max)
      }))

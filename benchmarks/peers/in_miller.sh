#!/bin/sh
# The tables of `envoylogs summarize`, as a Miller user would ask for them.
#
# Records are cut to what is needed, judged, and counted by all keys and latency at once, so that
# the tables are made of a fifth as many. Percentiles are taken from counts by latency, since those
# of `stats1` are a rank higher where n * p is whole. Left out: times of the upstream and of the
# gateway in the table `times`.
set -eu
folder=$(dirname "$0")
needed=authority,bytes_received,bytes_sent,downstream_local_address,duration,method,path,protocol
needed=$needed,response_code,response_code_details,response_flags,route_name,start_time
needed=$needed,upstream_cluster,upstream_host
keys=authority,route_name,response_code,upstream_cluster,response_flags,response_code_details
keys=$keys,gateway,upstream_host,latency_ms,sent,unrouted
exec mlr --ijsonl --ojsonl cut -f "$needed" \
  then put -s width="$2" -f "$folder/in_miller_records.mlr" \
  then stats1 -a count,sum -f bytes_sent,bytes_received -g "$keys" \
  then put -q -f "$folder/in_miller_tables.mlr" \
  "$1"

"""Settings of a restored server, as the text of PostgreSQL's files.

usage: server_settings.py own INVENTORY CONTROL_DATA TARGET PORT MODE TIMELINE WHEN
           what is added to postgresql.auto.conf, which is read last
       server_settings.py original INVENTORY    a postgresql.conf, where that of the original cannot be read here
       server_settings.py access INVENTORY      a superuser and a database, a line each

INVENTORY is the artifact inventory.json, CONTROL_DATA the output of pg_controldata. MODE says where recovery ends: `backup` (where the
backup does), `time` (WHEN), or `end` (of the WAL in TARGET/wal).
"""

import json
import re
import sys
from datetime import UTC

from manifest import moment
from refusal import run

# Recovery refuses to run with less of these than the original had. By the label pg_controldata gives them.
MINIMUMS = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}

# What belongs to the original machine, its network, its archive and its replication.
FOREIGN = re.compile(
    r"archive_.*|restore_command|recovery_target.*|recovery_end_command|recovery_min_apply_delay|promote_trigger_file"
    r"|primary_conninfo|primary_slot_name|synchronous_standby_names|synchronized_standby_slots|listen_addresses|port|unix_socket_.*"
    r"|cluster_name|data_directory|config_file|hba_file|ident_file|external_pid_file|bonjour|krb_server_keyfile|ssl"
    r"|ssl_(?:ca|cert|crl|dh_params|key)_file|ssl_crl_dir|ssl_passphrase_command"
    r"|logging_collector|log_destination|log_directory|log_filename|stats_temp_directory|temp_tablespaces|huge_pages"
    r"|max_logical_replication_workers|block_size|data_checksums|wal_segment_size|transaction_isolation"
)


def main():
    command, inventory_file, *rest = sys.argv[1:]
    with open(inventory_file, encoding="utf-8") as file:
        inventory = json.load(file)
    if command == "access":
        print(inventory["superuser"], inventory["connectDatabase"], sep="\n")
    elif command == "original":
        write({name: value for name, value in inventory["settings"].items() if FOREIGN.fullmatch(name) is None})
    else:
        own(inventory, *rest)


def own(inventory, control_data_file, target, port, mode, timeline, when):
    major = int(re.match(r"\d+", inventory["serverVersion"])[0])
    print("\n# Added by restore_db.sh: a server of its own, cut off from the original.")
    write({
        "cluster_name": "restored",
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": f'"{target}/run"',
        "unix_socket_group": "",
        "unix_socket_permissions": "0700",
        "hba_file": f"{target}/configuration/pg_hba.conf",
        "ident_file": f"{target}/configuration/pg_ident.conf",
        "external_pid_file": "",
        # The certificate, if there was one, is the original's.
        "ssl": "off",
        "huge_pages": "try",
        "logging_collector": "off",
        "log_destination": "stderr",
        "archive_mode": "off",
        "archive_command": "",
        **({"archive_library": ""} if major >= 15 else {}),
        "archive_cleanup_command": "",
        "recovery_end_command": "",
        "primary_conninfo": "",
        "primary_slot_name": "",
        # Commits would wait for standbys that do not know this server.
        "synchronous_standby_names": "",
        **({"synchronized_standby_slots": ""} if major >= 17 else {}),
        # Subscriptions of the original would go on from here.
        "max_logical_replication_workers": "0",
        "temp_tablespaces": "",
        # Extensions that run jobs by the clock.
        "cron.launch_active_jobs": "off",
        "timescaledb.max_background_workers": "0",
        "pg_partman_bgw.dbname": "",
        **minimums(control_data_file, inventory["settings"]),
    })
    print("# Recovery; removed after it.")
    goal = goal_of(mode, when)
    names = ("recovery_target_name", "recovery_target_time", "recovery_target_xid", "recovery_target_lsn", "recovery_target")
    write({
        "restore_command": "/bin/false" if mode == "backup" else restore_command(f"{target}/wal"),
        # The order matters: PostgreSQL takes even an empty target for a second one when another was set before it.
        **{name: "" for name in names if name not in goal},
        **goal,
        "recovery_target_timeline": timeline,
        "recovery_target_inclusive": "on",
        "recovery_target_action": "promote",
        "recovery_min_apply_delay": "0",
        # Nobody is let in before the end: then it does not matter that the original had more connections later on.
        "hot_standby": "off",
    })


def goal_of(mode, when):
    if mode == "time":
        # Where recovery reads it, PostgreSQL knows zones by their offset alone: no Z.
        return {"recovery_target_time": moment(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")}
    return {"recovery_target": "immediate"} if mode == "backup" else {}


def restore_command(directory):
    # PostgreSQL takes a percent sign for a placeholder. The path holds nothing else that a shell takes amiss between double quotes.
    place = directory.replace("%", "%%")
    return f'/bin/sh "{place}/.restore" "{place}" "%f" "%p"'


def minimums(control_data_file, settings):
    with open(control_data_file, encoding="utf-8", errors="replace") as file:
        control_data = file.read()
    found = {name: re.search(rf"^{label}:\s+(\d+)", control_data, re.MULTILINE) for name, label in MINIMUMS.items()}
    return {name: str(max(int(recorded[1] if recorded else 0), int(settings.get(name, 0)))) for name, recorded in found.items()}


def write(settings):
    for name, value in settings.items():
        quoted = value.replace("\\", "\\\\").replace("'", "''")
        print(f"{name} = '{quoted}'")


run(main)

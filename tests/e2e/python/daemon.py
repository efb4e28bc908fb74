"""Passes two hooks of a coding agent to honeyhive-daemon, and prints the session id."""

import json
import os
import pathlib
import subprocess
import sys

from honeyhive_daemon.config import DaemonConfig, save_config

save_config(DaemonConfig(api_key=os.environ["HH_API_KEY"], base_url=os.environ["HH_API_URL"], repo_path=None, ci=False))
session = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
common = {"session_id": session, "cwd": os.getcwd(), "transcript_path": os.path.join(os.getcwd(), "transcript.jsonl")}
daemon = pathlib.Path(sys.executable).with_name("honeyhive-daemon")
for hook in [
    {"hook_event_name": "SessionStart", "source": "startup"},
    {"hook_event_name": "UserPromptSubmit", "prompt": "why?"},
]:
    payload = json.dumps({**common, **hook})
    subprocess.run([daemon, "ingest", "claude-hook"], input=payload, text=True, check=True)
print(session)

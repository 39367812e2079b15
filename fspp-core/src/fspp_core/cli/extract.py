"""`fspp extract`."""

from fspp_core.cli.jobs import job_command

command = job_command("extract")

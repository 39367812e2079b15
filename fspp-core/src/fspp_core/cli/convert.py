"""`fspp convert`."""

from fspp_core.cli.jobs import job_command

command = job_command("convert")

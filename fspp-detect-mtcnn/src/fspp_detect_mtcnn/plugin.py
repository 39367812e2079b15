"""Hook implementations."""

FSPP_API = 1

"""`python -m fspp_core` is the `fspp` command, for where scripts are not on the search path."""

import sys

from fspp_core.cli import main

sys.exit(main())

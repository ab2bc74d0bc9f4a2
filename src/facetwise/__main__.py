"""`python -m facetwise`."""

import sys

from facetwise.cli import main

sys.exit(main())

"""
The operator's commands, run from a checkout with the operator's own AWS credentials.

They are in no function: `sam build` copies only packages of `functions/`.
"""

import sys
from pathlib import Path

# They use packages of the functions, and Python searches only the folder of the checkout.
sys.path.append(str(Path(__file__).parents[1] / "functions"))

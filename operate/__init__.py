"""
The operator's commands, run from a checkout with the operator's own AWS credentials.

They are in no function: `sam build` copies only packages of `functions/`.
"""

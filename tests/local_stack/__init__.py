"""
Everything the function talks to, on this machine: Atlas, AWS and the real Lambda runtime.

`wire` sees and can break all traffic. `atlas` and `aws` answer, and for tables, where a test asks
for it, `ministack` or `dynamodb_local`. `template` makes the stack's own resources. `runtime` runs
the built function. `stack` starts them together, and `workflows` runs state machines with them. The
tests in `tests` show that the product's tests can rely on them.
"""

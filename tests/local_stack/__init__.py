"""Everything the function talks to, on this machine: Atlas, AWS and the real Lambda runtime.

`wire` sees and bends all traffic; `atlas` and `aws` are what answers, and for tables
`dynamodb_local` where it was fetched; `template` makes the stack's own resources; `runtime` runs
the built function; `stack` starts them together for tests, demo and benchmarks alike.
"""
